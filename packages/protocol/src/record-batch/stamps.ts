/**
 * Changes header fields of a batch in place. Base offset and leader epoch lie outside the CRC and may be stamped on
 * bytes that are passed on; a stamp that touches a field under the CRC computes it anew over the bytes as they lie.
 * The caller owns the bytes: nobody may be reading or writing them meanwhile.
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { ATTRIBUTE, batchAttributes, batchCrc, batchSizeInBytes, FIELD } from './header.ts';

/** CRC-32C (Castagnoli) of `bytes[from, to)`, as an unsigned number. */
export type Crc32c = (bytes: Uint8Array, from: number, to: number) => number;

export function stampBaseOffset(bytes: Uint8Array, at: number, baseOffset: number): void {
  writeInt64(bytes, at + FIELD.baseOffset, baseOffset);
}

export function stampLeaderEpoch(bytes: Uint8Array, at: number, leaderEpoch: number): void {
  writeInt32(bytes, at + FIELD.partitionLeaderEpoch, leaderEpoch);
}

/** Sets the timestamp type to LogAppendTime and the batch's largest timestamp, which then holds for every record. */
export function stampLogAppendTime(bytes: Uint8Array, at: number, timestamp: number, crc: Crc32c): void {
  writeInt16(bytes, at + FIELD.attributes, batchAttributes(bytes, at) | ATTRIBUTE.logAppendTime);
  stampMaxTimestamp(bytes, at, timestamp, crc);
}

/** Takes the timestamp type LogAppendTime from a batch of which a producer said so. */
export function stampCreateTime(bytes: Uint8Array, at: number, crc: Crc32c): void {
  writeInt16(bytes, at + FIELD.attributes, batchAttributes(bytes, at) & ~ATTRIBUTE.logAppendTime);
  stampCrc(bytes, at, crc);
}

/** Corrects the header's largest timestamp where it does not say what the records say. */
export function stampMaxTimestamp(bytes: Uint8Array, at: number, timestamp: number, crc: Crc32c): void {
  writeInt64(bytes, at + FIELD.maxTimestamp, timestamp);
  stampCrc(bytes, at, crc);
}

/** Replaces producer id, epoch and first sequence (a mirror into Apache Kafka publishes under its own). */
export function stampProducer(
  bytes: Uint8Array,
  at: number,
  producer: { producerId: number; producerEpoch: number; baseSequence: number },
  crc: Crc32c,
): void {
  writeInt64(bytes, at + FIELD.producerId, producer.producerId);
  writeInt16(bytes, at + FIELD.producerEpoch, producer.producerEpoch);
  writeInt32(bytes, at + FIELD.baseSequence, producer.baseSequence);
  stampCrc(bytes, at, crc);
}

/** Computes the CRC over everything behind it and stores it. */
export function stampCrc(bytes: Uint8Array, at: number, crc: Crc32c): void {
  writeInt32(bytes, at + FIELD.crc, crc(bytes, at + FIELD.attributes, at + batchSizeInBytes(bytes, at)));
}

/** Whether the stored CRC is that of the bytes; the batch must lie in `bytes` as a whole. */
export function batchCrcValid(bytes: Uint8Array, crc: Crc32c, at = 0): boolean {
  return crc(bytes, at + FIELD.attributes, at + batchSizeInBytes(bytes, at)) === batchCrc(bytes, at);
}

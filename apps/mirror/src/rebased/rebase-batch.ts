/**
 * Makes of an origin's batch one that Apache Kafka takes from a client: own producer and sequence, neither transactional
 * nor LogAppendTime. The shell calls it for each `produce`. Invariant: a whole batch keeps its records' bytes, compressed
 * as they came, and nobody passes over them; only one of which records are missing is taken apart.
 */
import { nativeCrc32c } from '@meridian/protocol';
import {
  ATTRIBUTE,
  BATCH_FIELD,
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchCrc,
  batchSizeInBytes,
  type Codec,
  crcReplaced,
  type PayloadOptions,
  readBatchHeader,
  readRecords,
  stampBaseOffset,
  stampProducer,
  writeBatch,
} from '@meridian/protocol/record-batch';
import type { ProduceEffect, Segment } from './rebased-messages.ts';

export interface RebaseOptions extends PayloadOptions {
  readonly compress: (codec: Codec, bytes: Uint8Array) => Uint8Array;
}

type Rebased = Pick<ProduceEffect, 'segments' | 'isWhole' | 'producerId' | 'producerEpoch' | 'baseSequence'>;

/** The batch in pieces: a new header, and the records as they lie in `bytes`, which stays as it is. */
export function rebaseBatch(bytes: Buffer, produce: Rebased, options: RebaseOptions): Buffer[] {
  if (!produce.isWhole || hasAppendTime(bytes)) return [rewritten(bytes, produce, options)];
  const header = Buffer.allocUnsafe(BATCH_HEADER_BYTES);
  bytes.copy(header, 0, 0, BATCH_HEADER_BYTES);
  const crcBefore = nativeCrc32c(header, BATCH_FIELD.attributes, BATCH_HEADER_BYTES);
  header.writeInt16BE(
    batchAttributes(bytes) & ~ATTRIBUTE.transactional & ~ATTRIBUTE.deleteHorizon,
    BATCH_FIELD.attributes,
  );
  stampBaseOffset(header, 0, 0);
  header.writeBigInt64BE(BigInt(produce.producerId), BATCH_FIELD.producerId);
  header.writeInt16BE(produce.producerEpoch, BATCH_FIELD.producerEpoch);
  header.writeInt32BE(produce.baseSequence, BATCH_FIELD.baseSequence);
  const crcAfter = nativeCrc32c(header, BATCH_FIELD.attributes, BATCH_HEADER_BYTES);
  const payloadBytes = batchSizeInBytes(bytes) - BATCH_HEADER_BYTES;
  header.writeUInt32BE(crcReplaced(batchCrc(bytes), crcBefore, crcAfter, payloadBytes), BATCH_FIELD.crc);
  return [header, bytes.subarray(BATCH_HEADER_BYTES, BATCH_HEADER_BYTES + payloadBytes)];
}

/** The append time of such a batch stands in its header only; as CreateTime each record has to bear it. */
const hasAppendTime = (bytes: Uint8Array): boolean => (batchAttributes(bytes) & ATTRIBUTE.logAppendTime) !== 0;

function rewritten(bytes: Buffer, produce: Rebased, options: RebaseOptions): Buffer {
  const { codec } = readBatchHeader(bytes);
  const records = [...readRecords(bytes, options)]
    .filter(({ offset }) => produce.segments.some((each) => holds(each, offset)))
    .map(({ timestamp, key, value, headers }) => ({ timestamp, key, value, headers }));
  const batch = writeBatch({ records, codec, compress: options.compress, crc: nativeCrc32c });
  stampProducer(batch, 0, produce, nativeCrc32c);
  return Buffer.from(batch.buffer, batch.byteOffset, batch.length);
}

const holds = ({ originStart, count }: Segment, offset: number): boolean =>
  offset >= originStart && offset < originStart + count;

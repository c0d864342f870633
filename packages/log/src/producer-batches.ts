/**
 * The batches before a producer's last one, as `producer-batches` beside the segments: Kafka's snapshots keep the last
 * alone, and five are to be known again after a restart. A file of its own, since the snapshots' bytes are Kafka's (which
 * passes over names that it does not know), and reading batches back from the log would take as long as other producers
 * wrote behind them. Written with each snapshot, not durably; read when a batch comes that might be one of them, so a start
 * pays nothing for it. Invariant: what is believed (CRC, offset of the snapshot) is still tied to the last batch by its
 * sequences: `ProducerTable` takes no batch that does not end where the next one begins.
 */
import type { Disk } from '@meridian/io';
import { nativeCrc32c } from '@meridian/protocol';
import { MAX_SNAPSHOT_BYTES } from './limits.ts';

export const PRODUCER_BATCHES_FILE = 'producer-batches';

/** int16 version, uint32 CRC of what follows, int64 offset of the snapshot, int32 count, entries. */
const VERSION = 1;
const CRC_AT = 2;
const OFFSET_AT = 6;
const COUNT_AT = 14;
const HEADER_BYTES = 18;
/** Producer id, epoch, first and last sequence, first and last offset, timestamp. */
const ENTRY_BYTES = 42;

/** A producer's batch; of one producer the older ones come first. */
export interface EarlierBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export function encodeProducerBatches(snapshotOffset: number, batches: readonly EarlierBatch[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + batches.length * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeBigInt64BE(BigInt(snapshotOffset), OFFSET_AT);
  bytes.writeInt32BE(batches.length, COUNT_AT);
  let at = HEADER_BYTES;
  for (const batch of batches) {
    bytes.writeBigInt64BE(BigInt(batch.producerId), at);
    bytes.writeInt16BE(batch.producerEpoch, at + 8);
    bytes.writeInt32BE(batch.firstSequence, at + 10);
    bytes.writeInt32BE(batch.lastSequence, at + 14);
    bytes.writeBigInt64BE(BigInt(batch.firstOffset), at + 18);
    bytes.writeBigInt64BE(BigInt(batch.lastOffset), at + 26);
    bytes.writeBigInt64BE(BigInt(batch.timestamp), at + 34);
    at += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(nativeCrc32c(bytes, OFFSET_AT, bytes.length), CRC_AT);
  return bytes;
}

/** None if the bytes are not a whole file of this version, or belong to another snapshot. */
export function decodeProducerBatches(bytes: Buffer, snapshotOffset: number): EarlierBatch[] {
  if (bytes.length < HEADER_BYTES || bytes.readInt16BE(0) !== VERSION) return [];
  const count = bytes.readInt32BE(COUNT_AT);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) return [];
  if (bytes.readUInt32BE(CRC_AT) !== nativeCrc32c(bytes, OFFSET_AT, bytes.length)) return [];
  if (Number(bytes.readBigInt64BE(OFFSET_AT)) !== snapshotOffset) return [];
  return Array.from({ length: count }, (_, index) => decodeEntry(bytes, HEADER_BYTES + index * ENTRY_BYTES));
}

function decodeEntry(bytes: Buffer, at: number): EarlierBatch {
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    firstSequence: bytes.readInt32BE(at + 10),
    lastSequence: bytes.readInt32BE(at + 14),
    firstOffset: Number(bytes.readBigInt64BE(at + 18)),
    lastOffset: Number(bytes.readBigInt64BE(at + 26)),
    timestamp: Number(bytes.readBigInt64BE(at + 34)),
  };
}

/** The file is gone when there is nothing to say. */
export function writeProducerBatches(
  disk: Disk,
  folder: string,
  snapshotOffset: number,
  batches: readonly EarlierBatch[],
): void {
  if (batches.length === 0) return removeProducerBatches(disk, folder);
  const file = disk.open(`${folder}/${PRODUCER_BATCHES_FILE}`, 'w+');
  try {
    file.writev([encodeProducerBatches(snapshotOffset, batches)], 0);
  } finally {
    file.close();
  }
}

export function readProducerBatches(disk: Disk, folder: string, snapshotOffset: number): EarlierBatch[] {
  const path = `${folder}/${PRODUCER_BATCHES_FILE}`;
  if (!disk.exists(path) || disk.stat(path).size > MAX_SNAPSHOT_BYTES) return [];
  return decodeProducerBatches(disk.readFile(path), snapshotOffset);
}

export function removeProducerBatches(disk: Disk, folder: string): void {
  const path = `${folder}/${PRODUCER_BATCHES_FILE}`;
  if (disk.exists(path)) disk.remove(path);
}

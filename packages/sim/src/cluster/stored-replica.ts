/**
 * The bytes of a replica, read from its log when the region is at rest: batches, and the records in them. Read by the
 * checkers at the end of a run.
 */
import type { Log } from '@meridian/log';
import { decompress, nativeCrc32c } from '@meridian/protocol';
import { batchCrcValid, iterateBatches, type Rec, readBatchHeader, readRecords } from '@meridian/protocol/record-batch';

const READ_BYTES = 1_048_576;

export interface StoredBatch {
  readonly offset: number;
  readonly epoch: number;
  readonly bytes: Buffer;
}

export interface StoredReplica {
  readonly nodeId: number;
  readonly topic: string;
  readonly index: number;
  readonly logStart: number;
  readonly logEnd: number;
  readonly batches: readonly StoredBatch[];
}

export interface StoredRecord {
  readonly offset: number;
  readonly value: string;
}

export function readBatches(log: Pick<Log, 'startOffset' | 'endOffset' | 'read'>): StoredBatch[] {
  const batches: StoredBatch[] = [];
  for (let offset = log.startOffset; offset < log.endOffset; ) {
    const { buffers, nextOffset } = log.read(offset, { maxBytes: READ_BYTES, minOneBatch: true });
    for (const buffer of buffers) batches.push(...batchesIn(buffer));
    if (nextOffset <= offset) break;
    offset = nextOffset;
  }
  return batches;
}

export function batchesIn(buffer: Buffer): StoredBatch[] {
  return [...iterateBatches(buffer)].map(({ header: { baseOffset, partitionLeaderEpoch }, bytes }) => {
    return { offset: baseOffset, epoch: partitionLeaderEpoch, bytes: Buffer.from(bytes) };
  });
}

export const isSound = ({ bytes }: StoredBatch): boolean => batchCrcValid(bytes, nativeCrc32c);

export function recordsOf(batches: Iterable<{ readonly bytes: Buffer }>): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (const { bytes } of batches) {
    if (readBatchHeader(bytes).isControl) continue;
    for (const { offset, value } of readRecords(bytes, { decompress }) as Iterable<Rec>)
      records.push({ offset, value: Buffer.from(value ?? []).toString() });
  }
  return records;
}

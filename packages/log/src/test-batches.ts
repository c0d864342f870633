/** Batches for this package's tests: small, with known values, and what a log gives back of them. */
import { batchCrcValid, crc32c, iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import type { Log } from './log.ts';

export interface BatchExtras {
  readonly leaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  /** Of the first record; each further one is a millisecond later. */
  readonly timestamp?: number;
}

export function batchOf(baseOffset: number, values: readonly string[], extras: BatchExtras = {}): Buffer {
  const first = extras.timestamp ?? 1000 + baseOffset;
  const records = values.map((value, index) => ({ timestamp: first + index, value: Buffer.from(value) }));
  return Buffer.from(writeBatch({ baseOffset, records, ...extras }));
}

/** All batches of the log from `from` on, by as many reads as it takes; every CRC is checked. */
export function batchesIn(log: Log, from = log.startOffset, maxBytes = 300): { offset: number; bytes: Uint8Array }[] {
  const found: { offset: number; bytes: Uint8Array }[] = [];
  for (let offset = from; offset < log.endOffset; ) {
    const slice = log.read(offset, { maxBytes, minOneBatch: true });
    if (slice.buffers.length === 0) throw new Error(`nothing at ${offset} of ${log.endOffset}`);
    for (const buffer of slice.buffers) {
      for (const { header, bytes } of iterateBatches(buffer)) {
        if (!batchCrcValid(bytes, crc32c)) throw new Error(`wrong CRC at ${header.baseOffset}`);
        found.push({ offset: header.baseOffset, bytes });
      }
    }
    offset = slice.nextOffset;
  }
  return found;
}

export function valuesIn(log: Log, from = log.startOffset, maxBytes = 300): string[] {
  return batchesIn(log, from, maxBytes)
    .flatMap(({ bytes }) => [...readRecords(bytes)])
    .map((record) => Buffer.from(record.value!).toString());
}

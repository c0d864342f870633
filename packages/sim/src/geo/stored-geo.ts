/**
 * What a region holds of a topic or of a copy, read as any consumer with `read_committed` would: from its start to its end.
 * Used by the checkers at the end of a run, and by its consumers for what a slice holds.
 */
import { AbortedData, type Client, EARLIEST, type FetchedSlice, LATEST } from '@meridian/client';
import type { Timers } from '@meridian/io';
import { decompress, ERROR, errorName } from '@meridian/protocol';
import { iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import { GEO } from './limits.ts';

export interface StoredRecord {
  readonly offset: number;
  readonly value: string;
}

export interface StoredLog {
  readonly start: number;
  readonly end: number;
  readonly records: readonly StoredRecord[];
}

/** Committed data only. */
export function recordsOf({
  buffers,
  abortedTransactions,
}: Pick<FetchedSlice, 'buffers' | 'abortedTransactions'>): StoredRecord[] {
  const aborted = new AbortedData(abortedTransactions);
  const records: StoredRecord[] = [];
  for (const buffer of buffers)
    for (const { bytes, header } of iterateBatches(buffer)) {
      if (aborted.kindOf(header, bytes) !== 'data') continue;
      for (const { offset, value } of readRecords(bytes, { decompress }))
        records.push({ offset, value: Buffer.from(value ?? []).toString() });
    }
  return records;
}

export async function readLog(client: Client, timers: Timers, topic: string, partition: number): Promise<StoredLog> {
  const [first, last] = await Promise.all(
    [EARLIEST, LATEST].map((timestamp) => client.listOffsets([{ topic, partition, timestamp }])),
  );
  const [start, end] = [first?.[0], last?.[0]].map((listed) => {
    const errorCode = listed?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
    if (listed === undefined || errorCode !== ERROR.NONE)
      throw new Error(`${topic}-${partition}: ${errorName(errorCode)}`);
    return listed.offset;
  }) as [number, number];
  const records: StoredRecord[] = [];
  if (start >= end) return { start, end, records };
  const fetcher = client.fetcher({ isolation: 'read_committed' });
  await new Promise<void>((done, fail) => {
    const timer = timers.after(GEO.readMs, () => fail(new Error(`${topic}-${partition} was not read to ${end}`)));
    const handle = fetcher.add({
      topic,
      partition,
      offset: start,
      onBatches: (slice) => {
        for (const record of recordsOf(slice)) if (record.offset >= start) records.push(record);
        if (slice.nextOffset >= end) finish();
      },
      onEnd: (highWatermark) => {
        if (highWatermark >= end) finish();
      },
      onError: ({ detail }) => fail(new Error(`${topic}-${partition}: ${detail}`)),
    });
    const finish = (): void => {
      timer.cancel();
      handle.remove();
      done();
    };
  });
  fetcher.close();
  return { start, end, records };
}

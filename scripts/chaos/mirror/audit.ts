/**
 * What a copy holds against what its origin holds, by the numbers that the records bear: in order, lost, and twice. Used by
 * `chaos -- mirror`, for our copy and for MirrorMaker 2's.
 */
import { AbortedData, createClient, EARLIEST, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { decompress } from '@meridian/protocol';
import { iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import type { Bootstrap } from './side.ts';

const IDLE_LIMIT_MS = 30_000;

/** The numbers in the order in which they lie, as a reader with `read_committed` gets them. */
export async function numbersIn(bootstrap: Bootstrap, topic: string, partition: number): Promise<number[]> {
  const client = createClient({ io: createRealIo(), bootstrap, clientId: 'audit', log: silentLogger });
  const numbers: number[] = [];
  try {
    const [start] = await client.listOffsets([{ topic, partition, timestamp: EARLIEST }]);
    const [end] = await client.listOffsets([{ topic, partition, timestamp: LATEST }]);
    if (start === undefined || end === undefined || start.offset >= end.offset) return numbers;
    await new Promise<void>((done, fail) => {
      const fetcher = client.fetcher({ isolation: 'read_committed' });
      let timer = setTimeout(fail, IDLE_LIMIT_MS, new Error(`${topic}-${partition} was not read to ${end.offset}`));
      const finish = (): void => {
        clearTimeout(timer);
        fetcher.close();
        done();
      };
      fetcher.add({
        ...{ topic, partition, offset: start.offset },
        onBatches: ({ buffers, abortedTransactions, nextOffset }) => {
          timer = timer.refresh();
          const aborted = new AbortedData(abortedTransactions);
          for (const buffer of buffers)
            for (const { bytes, header } of iterateBatches(buffer)) {
              if (aborted.kindOf(header, bytes) !== 'data') continue;
              for (const { value } of readRecords(bytes, { decompress }))
                numbers.push(Buffer.from(value ?? []).readDoubleBE(0));
            }
          if (nextOffset >= end.offset) finish();
        },
        onEnd: (highWatermark) => {
          if (highWatermark >= end.offset) finish();
        },
        onError: ({ detail }) => fail(new Error(detail)),
      });
    });
    return numbers;
  } finally {
    await client.close();
  }
}

export interface Comparison {
  readonly records: number;
  readonly lost: number;
  readonly twice: number;
  /** So many come, the first time, behind one that is behind them at the origin. */
  readonly outOfOrder: number;
}

/** The origin has the numbers from 0 to `count`, in their order; a number that it never had counts as one too many. */
export function compareNumbers(count: number, copy: readonly number[]): Comparison {
  const there = new Uint8Array(count);
  let [found, outOfOrder, newest] = [0, 0, -1];
  for (const number of copy) {
    if (!(number >= 0 && number < count) || there[number] === 1) continue;
    there[number] = 1;
    found++;
    if (number < newest) outOfOrder++;
    newest = Math.max(newest, number);
  }
  return { records: copy.length, lost: count - found, twice: copy.length - found, outOfOrder };
}

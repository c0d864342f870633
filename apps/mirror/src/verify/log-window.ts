/**
 * Reads a range of one log once, for verification: whole batches, as many as a bound of bytes allows, each told to be data
 * or not. `partition-verifier.ts` asks both regions in this way.
 * Invariant: what is between `from` and `next` has been read as a whole, or is not there.
 */
import { AbortedData, type BatchKind, type Fetcher, type FetchFailure } from '@meridian/client';
import type { Timers } from '@meridian/io';
import { type BatchHeader, iterateBatches } from '@meridian/protocol/record-batch';

export interface LogPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

export interface ReadBatch {
  readonly header: BatchHeader;
  readonly bytes: Buffer;
  readonly kind: BatchKind;
}

export interface LogWindow {
  readonly batches: readonly ReadBatch[];
  readonly sizeInBytes: number;
  readonly next: number;
}

export interface WindowBounds {
  readonly from: number;
  readonly to: number;
  /** Reading ends with the answer that passes it. */
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** The range, or a part of it, is not in the log any more. */
export class OutOfLog extends Error {
  readonly logStart: number;
  constructor(detail: string, logStart: number) {
    super(detail);
    this.logStart = logStart;
  }
}

/** Rejects where the log cannot be read; with `OutOfLog` where it begins behind `from`, or ends before it. */
export async function readWindow(
  fetcher: Fetcher,
  timers: Timers,
  place: LogPlace,
  { from, to, maxBytes, timeoutMs }: WindowBounds,
): Promise<LogWindow> {
  const batches: ReadBatch[] = [];
  let [next, sizeInBytes] = [from, 0];
  if (to > from) {
    await new Promise<void>((done, fail) => {
      const timer = timers.after(timeoutMs, () =>
        end(fail, new Error(`${place.topic}: nothing came in ${timeoutMs} ms`)),
      );
      const end = <T extends unknown[]>(how: (...args: T) => void, ...args: T): void => {
        timer.cancel();
        handle.remove();
        how(...args);
      };
      const handle = fetcher.add({
        ...place,
        offset: from,
        onBatches: ({ buffers, abortedTransactions, nextOffset, sizeInBytes: more }) => {
          const aborted = new AbortedData(abortedTransactions);
          for (const buffer of buffers)
            for (const { bytes, header } of iterateBatches(buffer)) {
              if (header.baseOffset < to) batches.push({ header, bytes, kind: aborted.kindOf(header, bytes) });
            }
          next = Math.max(next, nextOffset);
          sizeInBytes += more;
          if (next >= to || sizeInBytes >= maxBytes) end(done);
        },
        onEnd: (highWatermark) => {
          next = Math.max(next, highWatermark);
          if (next >= to) end(done);
        },
        onError: (failure) => end(fail, failed(place, failure)),
      });
    });
  }
  return { batches, sizeInBytes, next: Math.min(next, to) };
}

function failed({ topic, partition }: LogPlace, { code, detail, logStartOffset }: FetchFailure): Error {
  const text = `${topic}-${partition}: ${detail}`;
  return code === 1 ? new OutOfLog(text, logStartOffset) : new Error(text);
}

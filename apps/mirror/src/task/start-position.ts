/**
 * Where a new copy begins. The keeper resolves it once, when it creates the copy, and writes it down with the copy's
 * facts (`meridian.origin.start`), so that a restart or another mirror finds what was decided.
 * Invariant: a topic that was not there when its link began is copied from its first record on, whatever `start` says.
 */
import { type CallOptions, type Client, EARLIEST, LATEST } from '@meridian/client';
import { ERROR, errorName } from '@meridian/protocol';

export type StartPosition = 'earliest' | 'latest' | { readonly timestampMs: number };

/** Topic config of a copy: origin offsets by partition, comma-separated; partitions beyond it begin at the start. */
export const ORIGIN_START = 'meridian.origin.start';

/** Offsets by partition; undefined: at 0 all of them. What is missing from there on, later, is lost. */
export async function resolveStart(
  source: Client,
  topic: string,
  partitions: number,
  start: StartPosition,
  call: CallOptions,
): Promise<string | undefined> {
  const timestamp = start === 'earliest' ? EARLIEST : start === 'latest' ? LATEST : start.timestampMs;
  const ask = async (at: number): Promise<number[]> => {
    const queries = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, timestamp: at }));
    return (await source.listOffsets(queries, call)).map(({ errorCode, offset, partition }) => {
      if (errorCode !== ERROR.NONE) throw new Error(`offsets of ${topic}-${partition}: ${errorName(errorCode)}`);
      return offset;
    });
  };
  const found = await ask(timestamp);
  // No record of that time or later: what is written from now on.
  const ends = found.some((offset) => offset < 0) ? await ask(LATEST) : [];
  const starts = found.map((offset, partition) => (offset < 0 ? ends[partition]! : offset));
  return starts.every((offset) => offset === 0) ? undefined : starts.join(',');
}

export function startOffsetOf(text: string | undefined, partition: number): number {
  const offset = Number(text?.split(',')[partition] ?? 0);
  return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}

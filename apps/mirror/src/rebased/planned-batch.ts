/**
 * One batch of the copy as a re-based task has planned it: made of a batch of the origin, of several that follow one
 * another, or of some records of one. Kept by the outbox. Invariant: what has been sent once goes out again as it was, or
 * not at all; a batch lies within one run, so that whoever reads the copy finds its place by one look-up.
 */
import type { Segment, SourceBatch } from './rebased-messages.ts';

export interface PlannedBatch {
  id: number;
  readonly batch: SourceBatch;
  readonly segments: readonly Segment[];
  readonly isWhole: boolean;
  readonly localStart: number;
  /** Changes that must be durable before it. */
  readonly changesBefore: number;
  /** It may have landed: nothing becomes part of it any more. */
  wasSent: boolean;
}

export const NOT_IN_FLIGHT = 0;

/** Where fetched bytes lie: those of a planned batch are held until it has landed, or is planned no more. */
export interface BatchMemory {
  hold(bytes: Buffer): void;
  release(bytes: Buffer): void;
  /** One batch of as many as can be one, from the first on; undefined: not even two. What it lies in is held by nobody. */
  merge(
    batches: readonly SourceBatch[],
    maxBytes: number,
  ): { readonly bytes: Buffer; readonly count: number } | undefined;
}

export const recordsOf = ({ segments }: PlannedBatch): number => segments.reduce((sum, { count }) => sum + count, 0);

/** Whether others may become part of it, and it of others. */
export const isMergeable = ({ isWhole, wasSent, batch }: PlannedBatch): boolean =>
  isWhole && !wasSent && batch.mergesAs !== null;

/** Of two that are mergeable: whether one lies right behind the other on both sides, in the same run. */
export function follows({ batch: before }: PlannedBatch, { batch: next }: PlannedBatch): boolean {
  return next.mergesAs === before.mergesAs && next.epoch === before.epoch && next.baseOffset === before.nextOffset;
}

/** The parts as what they have become. */
export function mergedOf(parts: readonly PlannedBatch[], bytes: Buffer): PlannedBatch {
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const { baseOffset } = first.batch;
  const { nextOffset } = last.batch;
  const segments = [{ originStart: baseOffset, count: nextOffset - baseOffset }];
  return {
    ...first,
    batch: { ...first.batch, nextOffset, segments, sizeInBytes: bytes.length, bytes },
    segments,
    changesBefore: last.changesBefore,
  };
}

/** The first half of its records, and the second; undefined: there is one record only. */
export function halvesOf(planned: PlannedBatch): readonly [PlannedBatch, PlannedBatch] | undefined {
  const { batch, segments, localStart } = planned;
  const count = recordsOf(planned);
  if (count < 2) return undefined;
  const middle = count >> 1;
  const sizeInBytes = batch.sizeInBytes >> 1;
  const half = (from: number, to: number, size: number): PlannedBatch => ({
    ...planned,
    id: NOT_IN_FLIGHT,
    wasSent: false,
    isWhole: false,
    batch: { ...batch, sizeInBytes: size },
    segments: within(segments, from, to),
    localStart: localStart + from,
  });
  return [half(0, middle, sizeInBytes), half(middle, count, batch.sizeInBytes - sizeInBytes)];
}

/** The records from one place to another, counted from the first. */
function within(segments: readonly Segment[], from: number, to: number): Segment[] {
  const found: Segment[] = [];
  let at = 0;
  for (const { originStart, count } of segments) {
    const [first, end] = [Math.max(from, at), Math.min(to, at + count)];
    if (first < end) found.push({ originStart: originStart + first - at, count: end - first });
    at += count;
  }
  return found;
}

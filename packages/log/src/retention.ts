/**
 * Which of a log's oldest segments retention drops: Kafka's rules, in which a segment goes as a whole, by the age of its
 * newest record or by the size of the log. Asked by the log, which does the dropping.
 * Invariant: what is dropped is a prefix of the log below the high watermark.
 */
import type { Retention } from './log-interface.ts';
import type { Segment } from './segment.ts';

/** Number of leading segments to drop; all of them only if the last one has batches. */
export function countExpired(segments: readonly Segment[], retention: Retention): number {
  return Math.max(countTooOld(segments, retention), countTooMuch(segments, retention));
}

function countTooOld(segments: readonly Segment[], retention: Retention): number {
  const { nowMs, retentionMs } = retention;
  if (retentionMs < 0 || retentionMs === Number.POSITIVE_INFINITY) return 0;
  const eldest = segments.findIndex(
    (segment, index) => !mayGo(segments, index, retention) || nowMs - segment.newestTimestamp() <= retentionMs,
  );
  return eldest < 0 ? segments.length : eldest;
}

function countTooMuch(segments: readonly Segment[], retention: Retention): number {
  const { retentionBytes } = retention;
  if (retentionBytes < 0 || retentionBytes === Number.POSITIVE_INFINITY) return 0;
  let excess = -retentionBytes;
  for (const segment of segments) excess += segment.size;
  let count = 0;
  for (const [index, segment] of segments.entries()) {
    if (excess < segment.size || !mayGo(segments, index, retention)) break;
    excess -= segment.size;
    count += 1;
  }
  return count;
}

function mayGo(segments: readonly Segment[], index: number, { maxOffset }: Retention): boolean {
  const next = segments[index + 1];
  if (next !== undefined) return next.baseOffset <= maxOffset;
  const active = segments[index]!;
  return active.size > 0 && active.nextOffset <= maxOffset;
}

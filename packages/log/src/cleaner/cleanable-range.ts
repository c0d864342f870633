/**
 * Which part of a log may be compacted, how much of it is dirty, and which segments go into one: arithmetic over the
 * segments' books, after Apache Kafka's `LogCleanerManager` and `Cleaner`.
 *
 *   start ── clean (compacted before) ── first dirty ── dirty ── first uncleanable ── … active segment
 */

import { scanBatches } from '../batch-scan.ts';
import { MAX_RELATIVE_OFFSET, MAX_SEGMENT_BYTES } from '../limits.ts';
import type { LogConfig } from '../log-interface.ts';
import type { Segment } from '../segment.ts';
import type { CompactionPolicy, Dirtiness } from './policy.ts';

/** `durableEnd`: below it everything is fsynced and known to be, so that recovery forgives gaps there. */
export interface LogBounds {
  readonly startOffset: number;
  readonly cleanedEnd: number;
  readonly durableEnd: number;
}

export function assessDirt(segments: readonly Segment[], bounds: LogBounds, policy: CompactionPolicy): Dirtiness {
  const active = segments.at(-1)!.baseOffset;
  const isKnown = bounds.cleanedEnd >= bounds.startOffset && bounds.cleanedEnd <= active;
  const firstDirtyOffset = isKnown ? bounds.cleanedEnd : bounds.startOffset;
  const dirty = segments.slice(0, -1).filter((_, index) => segments[index + 1]!.baseOffset > firstDirtyOffset);
  const recent = dirty.find((segment) => isRecent(segment, policy));
  const volatile = segments.find((_, index) => (segments[index + 1]?.baseOffset ?? Infinity) > bounds.durableEnd);
  const limit = Math.min(active, policy.maxOffset, volatile?.baseOffset ?? active, recent?.baseOffset ?? active);
  const firstUncleanableOffset = Math.max(firstDirtyOffset, limit);
  let cleanBytes = 0;
  let cleanableBytes = 0;
  for (const [index, segment] of segments.slice(0, -1).entries()) {
    if (segments[index + 1]!.baseOffset <= firstDirtyOffset) cleanBytes += segment.size;
    else if (segment.baseOffset < firstUncleanableOffset) cleanableBytes += segment.size;
  }
  return {
    firstDirtyOffset,
    firstUncleanableOffset,
    dirtyRatio: cleanableBytes === 0 ? 0 : cleanableBytes / (cleanBytes + cleanableBytes),
    isOverdue: cleanableBytes > 0 && dirty.some((segment) => isOld(segment, policy)),
  };
}

function isRecent(segment: Segment, { nowMs, minCompactionLagMs }: CompactionPolicy): boolean {
  return minCompactionLagMs > 0 && segment.maxTimestamp > nowMs - minCompactionLagMs;
}

function isOld(segment: Segment, { nowMs, maxCompactionLagMs }: CompactionPolicy): boolean {
  if (maxCompactionLagMs === Number.POSITIVE_INFINITY) return false;
  if (segment.firstTimestamp < 0) findFirstTimestamp(segment);
  return segment.firstTimestamp > 0 && segment.firstTimestamp < nowMs - maxCompactionLagMs;
}

/** Of a segment that was opened without a walk. */
function findFirstTimestamp(segment: Segment): void {
  scanBatches(segment.file, { from: 0, to: segment.size }, false, ({ maxTimestamp }) => {
    segment.firstTimestamp = maxTimestamp;
    return 'that was all';
  });
}

/** Neighbours that fit into one segment, in order; every sealed segment that begins below `end` is in one of them. */
export function groupSegments(segments: readonly Segment[], end: number, config: LogConfig): Segment[][] {
  const groups: Segment[][] = [];
  let group: Segment[] = [];
  let bytes = 0;
  for (const [index, segment] of segments.slice(0, -1).entries()) {
    if (segment.baseOffset >= end) break;
    const lastOffset = segments[index + 1]!.baseOffset - 1;
    const isFull =
      bytes + segment.size > maxGroupBytes(config) || lastOffset - (group[0]?.baseOffset ?? 0) > MAX_RELATIVE_OFFSET;
    if (group.length > 0 && isFull) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    group.push(segment);
    bytes += segment.size;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** So many bytes that neither the log file nor an index grows beyond what is allowed. */
function maxGroupBytes({ segmentBytes, indexBytes, indexIntervalBytes }: LogConfig): number {
  const entries = Math.floor(indexBytes / TIME_ENTRY_BYTES) - 1;
  return Math.min(segmentBytes, MAX_SEGMENT_BYTES, entries * Math.max(1, indexIntervalBytes));
}

const TIME_ENTRY_BYTES = 12;

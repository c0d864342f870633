/**
 * How a partition's machine looks from outside. Invariant: a partition of which nothing has been heard for `silentMs`
 * is never shown as running.
 */
import type { MirrorLimits } from '../limits.ts';
import type { PartitionState, PartitionStatus } from '../status.ts';
import { copiedOf, type MirrorTask, type TaskView } from './mirror-task.ts';

/** `lost`: offsets in the gaps on record. */
export interface GapTotals {
  readonly gaps: number;
  readonly lost: number;
}

/** Two clocks: waits by the monotonic one, ages of records by that of the wall. */
export interface StatusNow {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export function statusOf(
  { place, task }: MirrorTask,
  now: StatusNow,
  limits: MirrorLimits,
  { gaps, lost }: GapTotals,
): PartitionStatus {
  const { state, reason } = stateOf(task, now.monotonicMs, limits);
  const { progress } = task;
  const position = known(task.position);
  const sourceEnd = known(progress.sourceEnd);
  const hasLag = position !== null && sourceEnd !== null;
  return {
    topic: place.topic,
    copy: place.copy,
    partition: place.partition,
    state,
    reason,
    position,
    sourceEnd,
    heardMs: Math.max(0, Math.round(now.monotonicMs - progress.lastHeardMs)),
    lagRecords: hasLag ? Math.max(0, sourceEnd - copiedOf(task)) : null,
    lagBytes: (hasLag ? progress.lagBytes() : undefined) ?? null,
    lagMs: hasLag ? Math.round(progress.lag.lagMs(now.monotonicMs)) : null,
    lastVerifiedOffset: known(Math.min(task.verifiedOffset, task.position)),
    oldestUnmirroredMs: hasLag ? ageOf(task, now) : null,
    incarnation: place.incarnation,
    gaps,
    lostRecords: lost,
  };
}

const known = (offset: number): number | null => (offset < 0 ? null : offset);

/**
 * By the record's timestamp, or by how long we have known of it, whichever is more: its producer's clock may go ahead.
 * What is not under way has no known timestamp: then not more than the time since the copy had all.
 * Null: something is missing and nothing is known of its age.
 */
function ageOf(task: TaskView, { monotonicMs, wallMs }: StatusNow): number | null {
  const { progress } = task;
  if (progress.sourceEnd <= copiedOf(task)) return 0;
  const knownForMs = Math.round(progress.lag.lagMs(monotonicMs));
  const timestampMs = progress.oldestTimestampMs;
  if (timestampMs === undefined || timestampMs < 0) return knownForMs > 0 ? knownForMs : null;
  const { missingSinceMs } = progress;
  const atMostMs = missingSinceMs === undefined ? Number.POSITIVE_INFINITY : Math.round(monotonicMs - missingSinceMs);
  return Math.max(knownForMs, Math.min(wallMs - timestampMs, atMostMs));
}

function stateOf(
  task: TaskView,
  nowMs: number,
  limits: MirrorLimits,
): { state: PartitionState; reason: string | null } {
  const { condition, reason, progress } = task;
  if (condition === 'halted' || condition === 'paused') return { state: condition, reason };
  if (reason !== null) return { state: 'retrying', reason };
  const silentMs = nowMs - progress.lastHeardMs;
  if (silentMs >= limits.silentMs) {
    return { state: 'retrying', reason: `the origin has said nothing for ${Math.round(silentMs / 1000)} s` };
  }
  if (condition !== 'mirroring') return { state: 'starting', reason };
  const isBehind = progress.lag.lagMs(nowMs) > limits.catchingUpMs;
  return isBehind ? { state: 'catching-up', reason: task.waitsFor ?? null } : { state: 'running', reason: null };
}

/**
 * How a partition's machine looks from outside. Invariant: a partition of which nothing has been heard for `silentMs`
 * is never shown as running.
 */
import type { MirrorLimits } from '../limits.ts';
import type { PartitionState, PartitionStatus } from '../status.ts';
import type { PartitionTask } from './partition-task.ts';
import type { TaskPlace } from './task-shell.ts';

export function statusOf(place: TaskPlace, task: PartitionTask, nowMs: number, limits: MirrorLimits): PartitionStatus {
  const { state, reason } = stateOf(task, nowMs, limits);
  const position = known(task.position);
  const sourceEnd = known(task.sourceEnd);
  const hasLag = position !== null && sourceEnd !== null;
  return {
    topic: place.topic,
    copy: place.copy,
    partition: place.partition,
    state,
    reason,
    position,
    sourceEnd,
    lagRecords: hasLag ? Math.max(0, sourceEnd - position) : null,
    lagBytes: (hasLag ? task.lagBytes() : undefined) ?? null,
    lagMs: hasLag ? Math.round(task.lag.lagMs(nowMs)) : null,
    lastVerifiedOffset: known(Math.min(task.verifiedOffset, task.position)),
    oldestUnmirroredMs: null,
    incarnation: 1,
    gaps: 0,
    lostRecords: 0,
  };
}

const known = (offset: number): number | null => (offset < 0 ? null : offset);

function stateOf(
  task: PartitionTask,
  nowMs: number,
  limits: MirrorLimits,
): { state: PartitionState; reason: string | null } {
  const { phase, reason } = task;
  if (phase === 'halted') return { state: 'halted', reason };
  if (reason !== null) return { state: 'retrying', reason };
  const silentMs = nowMs - task.lastHeardMs;
  if (silentMs >= limits.silentMs) {
    return { state: 'retrying', reason: `the origin has said nothing for ${Math.round(silentMs / 1000)} s` };
  }
  if (phase !== 'mirroring') return { state: 'starting', reason };
  return { state: task.lag.lagMs(nowMs) > limits.catchingUpMs ? 'catching-up' : 'running', reason };
}

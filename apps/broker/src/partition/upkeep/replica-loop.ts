/**
 * Looks over all partitions for followers that lag, twice in every `replica.lag.time.max.ms`. Made and stopped with the
 * hosted partitions. Invariant: a follower leaves the in-sync set at most one and a half times that after it fell behind.
 */
import type { Io, Timer } from '@meridian/io';
import type { Partition } from '../partition.ts';

export interface ReplicaLoop {
  stop(): void;
}

export interface ReplicaLoopOptions {
  readonly io: Pick<Io, 'timers'>;
  readonly partitions: { all(): Iterable<Partition> };
  /** Asked before every wait, as it may change. */
  readonly lagMaxMs: () => number;
}

const LEAST_WAIT_MS = 10;

export function startReplicaLoop({ io, partitions, lagMaxMs }: ReplicaLoopOptions): ReplicaLoop {
  let timer: Timer;
  const arm = (): void => {
    timer = io.timers.after(Math.max(LEAST_WAIT_MS, lagMaxMs() / 2), () => {
      for (const partition of partitions.all()) partition.checkReplicas();
      arm();
    });
  };
  arm();
  return { stop: () => timer.cancel() };
}

/**
 * Forgets producers that have been silent for longer than `producer.id.expiration.ms`: looks over all partitions at the
 * start, as their snapshots may be old, and then every `producer.id.expiration.check.interval.ms`. Made and stopped with
 * the hosted partitions. Invariant: one turn of the event loop looks at a bounded number of partitions.
 */
import type { Io, Timer } from '@meridian/io';
import type { BrokerLimits } from '../../limits.ts';
import type { Partition } from '../partition.ts';

export interface ExpiryLoop {
  stop(): void;
}

export interface ExpiryOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly limits: BrokerLimits;
  readonly partitions: { all(): Iterable<Partition> };
  /** Asked before every pass, as they may change. */
  readonly expirationMs: () => number;
  readonly intervalMs: () => number;
}

export function startExpiryLoop(options: ExpiryOptions): ExpiryLoop {
  const { io, limits, partitions, expirationMs, intervalMs } = options;
  let timer: Timer;
  const pass = (rest: Iterator<Partition>): void => {
    for (let left = limits.maxPartitionsExpiredPerTurn; left > 0; left--) {
      const next = rest.next();
      if (next.done) {
        timer = io.timers.after(intervalMs(), begin);
        return;
      }
      next.value.log.expireProducers(io.clock.now(), expirationMs());
    }
    timer = io.timers.after(0, () => pass(rest));
  };
  const begin = (): void => pass([...partitions.all()].values());
  begin();
  return { stop: () => timer.cancel() };
}

/**
 * Looks over all partitions for segments whose time is up, every `log.retention.check.interval.ms`. Made and stopped
 * with the hosted partitions. Invariant: dropping a segment waits for the disk, so one turn of the event loop drops a few
 * at most.
 */
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';
import { LogError } from '@meridian/log';
import type { BrokerLimits } from '../../limits.ts';
import type { Partition } from '../partition.ts';

export interface RetentionLoop {
  stop(): void;
}

export interface RetentionOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly partitions: { all(): Iterable<Partition> };
  /** Asked before every wait, as it may change. */
  readonly intervalMs: () => number;
}

export function startRetentionLoop(options: RetentionOptions): RetentionLoop {
  const { io, limits, intervalMs } = options;
  let timer: Timer;
  const pass = (rest: Iterator<Partition>): void => {
    const isDone = dropSome(rest, options);
    timer = isDone ? io.timers.after(intervalMs(), begin) : io.timers.after(0, () => pass(rest));
  };
  const begin = (): void => pass([...options.partitions.all()].values());
  timer = io.timers.after(Math.min(limits.retentionFirstCheckMs, intervalMs()), begin);
  return { stop: () => timer.cancel() };
}

/** One turn's worth; true when all partitions have been looked at. */
function dropSome(rest: Iterator<Partition>, { io, logger, limits }: RetentionOptions): boolean {
  let dropped = 0;
  while (dropped < limits.maxSegmentsDroppedPerTurn) {
    const { value: partition, done } = rest.next();
    if (done) return true;
    try {
      const count = partition.applyRetention(io.clock.now());
      dropped += count;
      if (count > 0) logRetention(partition, count, logger);
    } catch (error) {
      // A log that went offline has told its partition; the others go on.
      if (!(error instanceof LogError || error instanceof IoError)) throw error;
    }
  }
  return false;
}

function logRetention({ topic, index, log }: Partition, segments: number, logger: Logger): void {
  logger.info('segments dropped by retention', { topic, partition: index, segments, startOffset: log.startOffset });
}

/**
 * What is done to all partitions from time to time: retention, compaction, the expiry of producers and of lagging replicas. Started by
 * `hosted-partitions.ts` when all of them are open, and stopped with them.
 * Invariant: configs are asked for before every pass, so a change counts from the next one on.
 */
import type { Io, Logger } from '@meridian/io';
import { type BrokerConfigSources, brokerConfigNumber, brokerConfigValue } from '../../controller/configs/effective.ts';
import type { BrokerLimits } from '../../limits.ts';
import type { Partition } from '../partition.ts';
import { type CleanerSettings, startCleanerLoop } from './cleaner-loop.ts';
import { startExpiryLoop } from './expiry-loop.ts';
import { startReplicaLoop } from './replica-loop.ts';
import { startRetentionLoop } from './retention-loop.ts';

export interface Upkeep {
  stop(): void;
}

export interface UpkeepOptions {
  readonly io: Io;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly sources: BrokerConfigSources;
  readonly partitions: { all(): Iterable<Partition> };
}

export function startUpkeep({ sources, ...given }: UpkeepOptions): Upkeep {
  const number = (name: string): number => brokerConfigNumber(sources, name);
  const loops = [
    startRetentionLoop({ ...given, intervalMs: () => number('log.retention.check.interval.ms') }),
    startCleanerLoop({ ...given, settings: () => cleanerSettings(sources) }),
    startReplicaLoop({ ...given, lagMaxMs: () => number('replica.lag.time.max.ms') }),
    startExpiryLoop({
      ...given,
      expirationMs: () => number('producer.id.expiration.ms'),
      intervalMs: () => number('producer.id.expiration.check.interval.ms'),
    }),
  ];
  return {
    stop() {
      for (const loop of loops) loop.stop();
    },
  };
}

function cleanerSettings(sources: BrokerConfigSources): CleanerSettings {
  const number = (name: string): number => brokerConfigNumber(sources, name);
  return {
    isEnabled: brokerConfigValue(sources, 'log.cleaner.enable')?.toLowerCase() !== 'false',
    backoffMs: number('log.cleaner.backoff.ms'),
    mapBytes: number('log.cleaner.dedupe.buffer.size'),
    mapLoadFactor: number('log.cleaner.io.buffer.load.factor'),
    bytesPerSecond: number('log.cleaner.io.max.bytes.per.second'),
  };
}

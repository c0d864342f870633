/**
 * Compacts the logs of compacted topics, one at a time and the dirtiest first, and rests for `log.cleaner.backoff.ms`
 * when none is dirty enough. Made and stopped with the hosted partitions.
 * Invariant: a checkpoint is written only for what is compacted; a log that cannot be read is named and left alone.
 */
import { dirname } from 'node:path';
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';
import {
  type CompactionPolicy,
  type Dirtiness,
  LogError,
  readCleanerCheckpoint,
  writeCleanerCheckpoint,
} from '@meridian/log';
import type { BrokerLimits } from '../../limits.ts';
import type { Partition } from '../partition.ts';

export interface CleanerLoop {
  stop(): void;
}

export interface CleanerOptions {
  readonly io: Pick<Io, 'clock' | 'disk' | 'timers'>;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  /** All of them are open already. */
  readonly partitions: { all(): Iterable<Partition> };
  /** Asked before every pass, as it may change. */
  readonly settings: () => CleanerSettings;
}

/** Kafka's `log.cleaner.*`. */
export interface CleanerSettings {
  readonly isEnabled: boolean;
  readonly backoffMs: number;
  readonly mapBytes: number;
  readonly mapLoadFactor: number;
  readonly bytesPerSecond: number;
}

export function startCleanerLoop(options: CleanerOptions): CleanerLoop {
  const cleaner = new Cleaner(options);
  cleaner.takeUp();
  cleaner.rest();
  return { stop: () => cleaner.stop() };
}

class Cleaner {
  readonly #options: CleanerOptions;
  /** Damaged: not tried again by this process. */
  readonly #uncleanable = new WeakSet<Partition>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: CleanerOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Goes on where the last process stopped. What is created later begins clean. */
  takeUp(): void {
    const byFolder = Map.groupBy(this.#options.partitions.all(), ({ log }) => dirname(log.folder));
    for (const [folder, partitions] of byFolder) {
      const rows = readCleanerCheckpoint(this.#options.io.disk, folder);
      const ends = new Map(rows.map((row) => [`${row.topic}-${row.partition}`, row.cleanedEnd]));
      for (const { topic, index, log } of partitions) log.compaction.cleanedEnd = ends.get(`${topic}-${index}`) ?? 0;
    }
  }

  rest(): void {
    if (this.#isStopped) return;
    this.#timer = this.#options.io.timers.after(this.#options.settings().backoffMs, () => {
      this.#pass().finally(() => this.rest());
    });
  }

  async #pass(): Promise<void> {
    const setAside = new Set<Partition>();
    while (!this.#isStopped && this.#options.settings().isEnabled) {
      const partition = this.#dirtiest(setAside);
      if (partition === undefined) return;
      const before = partition.log.compaction.cleanedEnd;
      await this.#compact(partition);
      if (partition.log.compaction.cleanedEnd <= before) setAside.add(partition);
    }
  }

  #dirtiest(setAside: ReadonlySet<Partition>): Partition | undefined {
    let found: Partition | undefined;
    let most = 0;
    for (const partition of this.#options.partitions.all()) {
      const policy = partition.compactionPolicy(this.#options.io.clock.now());
      if (policy === undefined || setAside.has(partition) || this.#uncleanable.has(partition)) continue;
      const { dirtyRatio, isOverdue } = this.#assess(partition, policy);
      if (dirtyRatio <= most || (dirtyRatio <= policy.minDirtyRatio && !isOverdue)) continue;
      found = partition;
      most = dirtyRatio;
    }
    return found;
  }

  /** A log whose files cannot be read is not dirty: who reads or writes it will be told. */
  #assess({ log }: Partition, policy: CompactionPolicy): Pick<Dirtiness, 'dirtyRatio' | 'isOverdue'> {
    try {
      return log.compaction.assess(policy);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      return { dirtyRatio: 0, isOverdue: false };
    }
  }

  async #compact(partition: Partition): Promise<void> {
    const { io, limits, logger, settings } = this.#options;
    const named = { topic: partition.topic, partition: partition.index };
    const { mapBytes, mapLoadFactor, bytesPerSecond: asked } = settings();
    const bounds = {
      mapBytes,
      mapLoadFactor,
      bytesPerSecond: Math.max(1, Math.min(asked, limits.cleanerBytesPerSecond)),
    };
    try {
      const result = await partition.log.compaction.run({ ...partition.compactionPolicy(io.clock.now())!, ...bounds });
      if (!result.isComplete) return;
      this.#checkpoint(dirname(partition.log.folder));
      logger.info('log compacted', { ...named, ...result });
    } catch (error) {
      if (!(error instanceof LogError || error instanceof IoError)) throw error;
      if (error instanceof LogError) this.#uncleanable.add(partition);
      logger.error('a log could not be compacted', { ...named, error });
    }
  }

  /** Of all logs in the folder; deleted partitions fall out of it. */
  #checkpoint(folder: string): void {
    if (this.#isStopped) return; // the folder may be another process's by now
    const here = [...this.#options.partitions.all()].filter(({ log }) => dirname(log.folder) === folder);
    const ends = here.map(({ topic, index, log }) => ({
      topic,
      partition: index,
      cleanedEnd: log.compaction.cleanedEnd,
    }));
    writeCleanerCheckpoint(
      this.#options.io.disk,
      folder,
      ends.filter(({ cleanedEnd }) => cleanedEnd > 0),
    );
  }
}

/**
 * The end of partitions on this broker: those that are deleted or have moved away leave with their folders, the others are
 * closed in order when the broker stops. Used by `hosted-partitions.ts`.
 * Invariant: a log dir hears of every log that was opened in it whether it was closed in order.
 */
import { IoError, type Logger } from '@meridian/io';
import type { HostedDir, LogDirs } from './log-dirs/log-dirs.ts';
import type { Partition } from './partition.ts';

export interface PartitionClosingsOptions {
  readonly logger: Logger;
  readonly logDirs: LogDirs;
  readonly maxAtATime: number;
  /** Before the files of what was deleted go. */
  readonly deleteDelayMs: () => number;
  readonly suspect: (dir: HostedDir, error: IoError) => void;
}

export class PartitionClosings {
  readonly #options: PartitionClosingsOptions;
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: PartitionClosingsOptions) {
    this.#options = options;
  }

  /** A committed record says that it is no more, or not here: its folder goes. */
  drop(partition: Partition, errorCode: number): void {
    partition.end(errorCode);
    this.#markDeleted(partition);
    const closing = this.#close(partition, false);
    this.#underWay.add(closing);
    closing.finally(() => this.#underWay.delete(closing));
  }

  /** So many at a time: each waits for its fsyncs, and they share the disk's journal. Resolves when the dropped are closed, too. */
  async closeAll(partitions: readonly Partition[], onProgress: () => void): Promise<void> {
    const rest = partitions.values();
    const closeOneByOne = async (): Promise<void> => {
      for (let next = rest.next(); !next.done; next = rest.next()) {
        await this.#close(next.value, true);
        onProgress();
      }
    };
    await Promise.all(Array.from({ length: this.#options.maxAtATime }, closeOneByOne));
    await Promise.all(this.#underWay);
  }

  /** A dir that is offline keeps the folder: once it is back, nobody knows the topic, and it is left alone. */
  #markDeleted(partition: Partition): void {
    const { logDirs, logger, deleteDelayMs, suspect } = this.#options;
    const dir = logDirs.dirOf(partition.log);
    if (dir?.failure !== undefined) return;
    try {
      dir?.folders?.markDeleted(partition, deleteDelayMs());
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      logger.error('a deleted partition keeps its name', { folder: partition.log.folder, error });
      suspect(dir!, error);
    }
  }

  async #close(partition: Partition, clean: boolean): Promise<void> {
    const { topic, index, log } = partition;
    let isInOrder = !clean;
    try {
      await partition.close(clean);
      isInOrder ||= log.failure === undefined;
    } catch (error) {
      this.#options.logger.warn('a log did not close cleanly', { topic, partition: index, error });
    }
    this.#options.logDirs.closed(log, isInOrder);
  }
}

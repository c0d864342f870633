/**
 * Partition folders in one log dir: opening, and deletion by rename (a name is free at once, and a crash in between
 * leaves something that the next start recognises). Made by `log-dirs.ts`; `hosted-partitions.ts` has deletions marked.
 * Invariant: only folders that a committed record deleted are removed. What the image does not know is left alone: the
 * image might be the damaged part.
 */
import { join } from 'node:path';
import type { Io, Logger } from '@meridian/io';
import { type Log, LogError, openLog, openLogDir, type TailBudget } from '@meridian/log';
import type { PartitionIdentity } from '../partition.ts';
import type { TopicSettings } from '../topic-settings.ts';
import { FolderRemovals } from './folder-removals.ts';

const DELETED = /\.[0-9a-f]{32}-delete$/;
/** The longest name that file systems take; Kafka cuts the topic's name as well. */
const MAX_NAME_LENGTH = 255;
const UNIQUE_BYTES = 16;

export interface PartitionFolders {
  /** Of the process before this one, if it left the dir in order; −1 if not. */
  readonly previousBrokerEpoch: number;
  /** Throws `LogError` or `IoError`. */
  open(identity: PartitionIdentity, settings: TopicSettings): Log;
  /** Renames, durably after `syncNames`; the files go `delayMs` later, in the next process's time if this one ends before. */
  markDeleted(identity: PartitionIdentity, delayMs: number): void;
  /** Makes creations and renames of folders durable. */
  syncNames(): Promise<void>;
  /** Has what an earlier process had renamed removed after the same delay, as Kafka does. */
  removeDeleted(delayMs: number): void;
  /** No removal begins after it; with `clean`, and all logs closed in order, the next start need not recover anything. */
  close(clean: boolean, brokerEpoch: number): void;
  /** The device is gone: nothing is written or removed any more. */
  abandon(): void;
}

interface PartitionFoldersOptions {
  readonly io: Io;
  /** Of the log dir. */
  readonly path: string;
  readonly logger: Logger;
  /** A checkpoint could not be written. */
  readonly onFailure: (error: Error) => void;
  readonly tailBudget: TailBudget;
  /** Time that removals may take of one turn of the event loop. */
  readonly turnMs: number;
}

export function createPartitionFolders(options: PartitionFoldersOptions): PartitionFolders {
  const { io, path, logger, tailBudget, turnMs } = options;
  const folderOf = ({ topic, index }: PartitionIdentity): string => join(path, `${topic}-${index}`);
  const removals = new FolderRemovals(io, logger, turnMs);
  const logDir = openLogDir({ io, path });
  const { filePool } = logDir;
  logDir.onFailure = (error) => {
    logger.error('a checkpoint of the partitions could not be written', { path, error });
    options.onFailure(error);
  };
  logger.info('log dir opened', { path, wasClean: logDir.wasClean });
  const openAt = (identity: PartitionIdentity, settings: TopicSettings): Log =>
    openLog({
      io,
      folder: folderOf(identity),
      topicId: identity.topicId,
      config: settings.log,
      tailBudget,
      marks: logDir.partition(identity.topic, identity.index),
      filePool,
      syncParent: () => logDir.syncNames(),
    });
  return {
    previousBrokerEpoch: logDir.previousBrokerEpoch,
    open(identity, settings) {
      try {
        return openAt(identity, settings);
      } catch (error) {
        if (!(error instanceof LogError) || error.code !== 'topic-id-mismatch') throw error;
        // The folder of an earlier topic of this name: kept for its owner, out of the way.
        const stray = `${folderOf(identity)}.${hex(identity)}-stray`;
        logger.warn('a folder of another topic was set aside', { folder: folderOf(identity), stray });
        io.disk.rename(folderOf(identity), stray);
        logDir.forget(identity.topic, identity.index);
        return openAt(identity, settings);
      }
    },
    markDeleted(identity, delayMs) {
      let deleted = deletedPath(path, identity, hex(identity));
      // It may move away, come back and move away again before the first folder is removed.
      if (io.disk.exists(deleted)) deleted = deletedPath(path, identity, io.random.bytes(UNIQUE_BYTES).toString('hex'));
      io.disk.rename(folderOf(identity), deleted);
      logDir.forget(identity.topic, identity.index);
      removals.removeLater(deleted, delayMs);
    },
    syncNames: () => logDir.syncNames(),
    removeDeleted(delayMs) {
      const deleted = io.disk.list(path).filter((name) => DELETED.test(name));
      for (const name of deleted) removals.removeLater(join(path, name), delayMs);
    },
    close(clean, brokerEpoch) {
      removals.stop();
      logDir.close(clean, brokerEpoch);
    },
    abandon() {
      removals.stop();
      logDir.abandon();
    },
  };
}

const hex = ({ topicId }: PartitionIdentity): string => topicId.replaceAll('-', '');

function deletedPath(dir: string, { topic, index }: PartitionIdentity, unique: string): string {
  const suffix = `-${index}.${unique}-delete`;
  return join(dir, `${topic.slice(0, MAX_NAME_LENGTH - suffix.length)}${suffix}`);
}

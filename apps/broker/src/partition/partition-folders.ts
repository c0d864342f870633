/**
 * Partition folders in the data folder: opening, and deletion by rename (a name is free at once, and a crash in between
 * leaves something that the next start recognises). Called by `hosted-partitions.ts`.
 * Invariant: only folders that a committed record deleted are removed. What the image does not know is left alone: the
 * image might be the damaged part.
 */
import { join } from 'node:path';
import type { Io, Logger } from '@meridian/io';
import { type Log, LogError, openLog, type TailBudget } from '@meridian/log';
import type { PartitionIdentity } from './partition.ts';
import type { TopicSettings } from './topic-settings.ts';

const DELETED = /\.[0-9a-f]{32}-delete$/;

export interface PartitionFolders {
  /** Throws `LogError` or `IoError`. */
  open(identity: PartitionIdentity, settings: TopicSettings): Log;
  /** Renames at once; returns the way to remove the files, for when the log is closed. */
  markDeleted(identity: PartitionIdentity): () => void;
  /** Removes what an earlier process had renamed. */
  removeDeleted(): void;
}

export function createPartitionFolders(options: {
  io: Io;
  dataFolder: string;
  logger: Logger;
  tailBudget: TailBudget;
}): PartitionFolders {
  const { io, dataFolder, logger, tailBudget } = options;
  const folderOf = ({ topic, index }: PartitionIdentity): string => join(dataFolder, `${topic}-${index}`);
  const remove = (folder: string): void => {
    try {
      for (const name of io.disk.list(folder)) io.disk.remove(join(folder, name));
      io.disk.removeFolder(folder);
    } catch (error) {
      logger.warn('a deleted partition could not be removed from disk', { folder, error });
    }
  };
  const openAt = (identity: PartitionIdentity, settings: TopicSettings): Log =>
    openLog({ io, folder: folderOf(identity), topicId: identity.topicId, config: settings.log, tailBudget });
  return {
    open(identity, settings) {
      try {
        return openAt(identity, settings);
      } catch (error) {
        if (!(error instanceof LogError) || error.code !== 'topic-id-mismatch') throw error;
        // The folder of an earlier topic of this name: kept for its owner, out of the way.
        const stray = `${folderOf(identity)}.${hex(identity)}-stray`;
        logger.warn('a folder of another topic was set aside', { folder: folderOf(identity), stray });
        io.disk.rename(folderOf(identity), stray);
        return openAt(identity, settings);
      }
    },
    markDeleted(identity) {
      const deleted = `${folderOf(identity)}.${hex(identity)}-delete`;
      io.disk.rename(folderOf(identity), deleted);
      io.disk.syncFolder(dataFolder);
      return () => remove(deleted);
    },
    removeDeleted() {
      for (const name of io.disk.list(dataFolder)) if (DELETED.test(name)) remove(join(dataFolder, name));
    },
  };
}

const hex = ({ topicId }: PartitionIdentity): string => topicId.replaceAll('-', '');

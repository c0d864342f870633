/** How the logs of a crash scene are opened, in the scene and after a crash: as a broker opens its partitions. */
import type { Io } from '@meridian/io';
import { type Log, type LogDir, openLog } from '@meridian/log';

export const DATA = '/data/kafka';

export interface SceneConfig {
  readonly segmentBytes: number;
  readonly indexIntervalBytes: number;
  readonly fsync: boolean;
  readonly fileDeleteDelayMs: number;
}

export const folderOf = (topic: string): string => `${DATA}/${topic}-0`;

export function openPartition(
  io: Io,
  dir: LogDir,
  config: SceneConfig,
  { topic, topicId }: { topic: string; topicId: string },
): Log {
  return openLog({
    io,
    folder: folderOf(topic),
    topicId,
    config,
    limits: { tailBytes: 1_500, pendingBytes: 2_500 },
    marks: dir.partition(topic, 0),
    filePool: dir.filePool,
    syncParent: () => dir.syncNames(),
  });
}

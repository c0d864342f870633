/**
 * DescribeLogDirs: the log dirs with the sizes of the partitions in each, all of them or those asked for. What is asked
 * for and is not here is left out, without an error; a dir that is offline is told with one, and nothing else.
 */
import { dirname } from 'node:path';
import { DescribeLogDirs, ERROR, type RequestOf } from '@meridian/protocol';
import type { Partition } from '../partition/partition.ts';
import type { LogDirView } from './broker-facts.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Asked = RequestOf<typeof DescribeLogDirs>['topics'];

export function createDescribeLogDirsHandler({
  partitions,
  logDirs,
}: Pick<HandlerReach, 'partitions' | 'logDirs'>): Handler<typeof DescribeLogDirs> {
  const found = (asked: Asked): Iterable<Partition> => {
    if (asked === null) return partitions.all();
    const named = asked.flatMap(({ topic, partitions: indexes }) =>
      indexes.map((index) => partitions.byName(topic, index)),
    );
    return new Set(named.filter((partition) => partition !== undefined));
  };
  return {
    api: DescribeLogDirs,
    handle({ topics }) {
      const byDir = Map.groupBy(found(topics), ({ log }) => dirname(log.folder));
      return { errorCode: ERROR.NONE, results: logDirs().map((dir) => describe(dir, byDir.get(dir.path) ?? [])) };
    },
  };
}

function describe(dir: LogDirView, partitions: readonly Partition[]) {
  const { path: logDir } = dir;
  if (!dir.isOnline) return { errorCode: ERROR.KAFKA_STORAGE_ERROR, logDir, topics: [] };
  const { totalBytes, freeBytes: usableBytes } = dir.space();
  return { errorCode: ERROR.NONE, logDir, topics: byTopic(partitions), totalBytes, usableBytes };
}

function byTopic(partitions: Iterable<Partition>) {
  const topics = new Map<string, Partition[]>();
  for (const partition of partitions) {
    const same = topics.get(partition.topic);
    if (same) same.push(partition);
    else topics.set(partition.topic, [partition]);
  }
  return [...topics].map(([name, list]) => ({ name, partitions: list.map(sizeOf) }));
}

/** How far a follower is behind what is committed, as far as it knows; replicas do not move between dirs. */
function sizeOf({ index, log, highWatermark }: Partition) {
  const offsetLag = Math.max(0, highWatermark - log.endOffset);
  return { partitionIndex: index, partitionSize: log.sizeInBytes, offsetLag, isFutureKey: false };
}

/**
 * DescribeLogDirs: the data folder with the sizes of the partitions in it, all of them or those asked for. What is asked
 * for and is not here is left out, without an error.
 */
import { DescribeLogDirs, ERROR, type RequestOf } from '@meridian/protocol';
import type { Partition } from '../partition/partition.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Asked = RequestOf<typeof DescribeLogDirs>['topics'];

export function createDescribeLogDirsHandler({
  partitions,
  dataFolder,
}: Pick<HandlerReach, 'partitions' | 'dataFolder'>): Handler<typeof DescribeLogDirs> {
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
      const { path } = dataFolder;
      const { totalBytes, freeBytes } = dataFolder.space();
      const result = { logDir: path, topics: byTopic(found(topics)), totalBytes, usableBytes: freeBytes };
      return { errorCode: ERROR.NONE, results: [{ errorCode: ERROR.NONE, ...result }] };
    },
  };
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

function sizeOf({ index, log }: Partition) {
  return { partitionIndex: index, partitionSize: log.sizeInBytes, offsetLag: 0, isFutureKey: false };
}

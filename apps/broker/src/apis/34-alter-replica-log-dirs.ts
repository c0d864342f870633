/**
 * AlterReplicaLogDirs: where replicas of this broker are to lie. A replica stays in the log dir that it was placed in:
 * asking for that one is fine, as in Apache Kafka; any other is refused, because nothing is moved between dirs here.
 */
import { dirname } from 'node:path';
import { AlterReplicaLogDirs, ERROR } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

type Reach = Pick<HandlerReach, 'partitions' | 'logDirs'>;

export function createAlterReplicaLogDirsHandler(reach: Reach): Handler<typeof AlterReplicaLogDirs> {
  return {
    api: AlterReplicaLogDirs,
    handle({ dirs }) {
      // A topic may be named under several dirs; its partitions are told together.
      const results = new Map<string, { partitionIndex: number; errorCode: number }[]>();
      for (const { path, topics } of dirs) {
        for (const { name, partitions } of topics) {
          const told = results.get(name) ?? [];
          results.set(name, told);
          told.push(
            ...partitions.map((index) => ({ partitionIndex: index, errorCode: place(reach, path, name, index) })),
          );
        }
      }
      return { results: [...results].map(([topicName, partitions]) => ({ topicName, partitions })) };
    },
  };
}

function place({ partitions, logDirs }: Reach, path: string, topic: string, index: number): number {
  const dir = logDirs().find((each) => each.path === path);
  if (dir === undefined) return ERROR.LOG_DIR_NOT_FOUND;
  if (!dir.isOnline) return ERROR.KAFKA_STORAGE_ERROR;
  const partition = partitions.byName(topic, index);
  if (partition === undefined) return partitions.errorByName(topic, index);
  return dirname(partition.log.folder) === path ? ERROR.NONE : ERROR.INVALID_REQUEST;
}

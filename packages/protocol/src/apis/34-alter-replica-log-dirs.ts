/**
 * AlterReplicaLogDirs: moves replicas of this broker to other log dirs of it.
 */
import { array, defineApi, int16, int32, string } from '../codec/schema.ts';

export const AlterReplicaLogDirs = defineApi({
  key: 34,
  name: 'AlterReplicaLogDirs',
  minVersion: 1,
  maxVersion: 2,
  flexibleFrom: 2,
  request: { dirs: array({ path: string(), topics: array({ name: string(), partitions: array(int32()) }) }) },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});

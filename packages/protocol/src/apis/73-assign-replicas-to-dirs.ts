/**
 * AssignReplicasToDirs: a broker tells the controller in which of its log dirs replicas lie.
 */
import { array, defineApi, int16, int32, int64, uuid } from '../codec/schema.ts';

export const AssignReplicasToDirs = defineApi({
  key: 73,
  name: 'AssignReplicasToDirs',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    directories: array({
      id: uuid(),
      topics: array({ topicId: uuid(), partitions: array({ partitionIndex: int32() }) }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    directories: array({
      id: uuid(),
      topics: array({ topicId: uuid(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
    }),
  },
});

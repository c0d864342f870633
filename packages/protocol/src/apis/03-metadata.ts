/**
 * Metadata: brokers, and topics with their partitions and leaders. From v1 on a null list of topics means all, an empty
 * list none; in v0 an empty list means all. v10 adds topic ids, v12 asks by them.
 */
import { array, boolean, defineApi, int16, int32, string, uuid } from '../codec/schema.ts';

export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  minVersion: 0,
  maxVersion: 13,
  flexibleFrom: 9,
  request: {
    topics: array({ topicId: uuid({ since: 10 }), name: string({ nullable: 10 }) }, { nullable: 1 }),
    allowAutoTopicCreation: boolean({ since: 4, default: true, ignorable: false }),
    includeClusterAuthorizedOperations: boolean({ since: 8, until: 10, ignorable: false }),
    includeTopicAuthorizedOperations: boolean({ since: 8, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ since: 1, nullable: true, default: null }),
    }),
    clusterId: string({ since: 2, nullable: true, default: null }),
    controllerId: int32({ since: 1, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: 12 }),
      topicId: uuid({ since: 10 }),
      isInternal: boolean({ since: 1, default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7, default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { since: 5 }),
      }),
      topicAuthorizedOperations: int32({ since: 8, default: -2147483648, ignorable: false }),
    }),
    clusterAuthorizedOperations: int32({ since: 8, until: 10, default: -2147483648, ignorable: false }),
    errorCode: int16({ since: 13 }),
  },
});

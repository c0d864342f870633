/**
 * DescribeQuorum: voters and observers of the metadata log and how far each has come.
 */
import { array, defineApi, int16, int32, int64, string, uint16, uuid } from '../codec/schema.ts';

export const DescribeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  request: { topics: array({ topicName: string(), partitions: array({ partitionIndex: int32() }) }) },
  response: {
    errorCode: int16(),
    errorMessage: string({ since: 2, nullable: true, default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ since: 2, nullable: true, default: null }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array({
          replicaId: int32(),
          replicaDirectoryId: uuid({ since: 2, ignorable: false }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64({ since: 1, default: -1 }),
          lastCaughtUpTimestamp: int64({ since: 1, default: -1 }),
        }),
        observers: array({
          replicaId: int32(),
          replicaDirectoryId: uuid({ since: 2, ignorable: false }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64({ since: 1, default: -1 }),
          lastCaughtUpTimestamp: int64({ since: 1, default: -1 }),
        }),
      }),
    }),
    nodes: array(
      { nodeId: int32(), listeners: array({ name: string(), host: string(), port: uint16() }) },
      { since: 2, ignorable: false },
    ),
  },
});

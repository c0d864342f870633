/**
 * BeginQuorumEpoch: the new leader of the metadata quorum tells the voters that it leads, and since v1 where it is found.
 */
import { array, defineApi, int16, int32, string, uint16, uuid } from '../codec/schema.ts';

export const BeginQuorumEpoch = defineApi({
  key: 53,
  name: 'BeginQuorumEpoch',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  listeners: ['internal'],
  request: {
    clusterId: string({ nullable: true, default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid({ since: 1 }),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    leaderEndpoints: array({ name: string(), host: string(), port: uint16() }, { since: 1 }),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16(), leaderId: int32(), leaderEpoch: int32() }),
    }),
    nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: false }),
  },
});

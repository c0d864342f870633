/**
 * EndQuorumEpoch: the leader of the metadata quorum goes, and says who should stand for election first.
 */
import { array, defineApi, int16, int32, string, uint16, uuid } from '../codec/schema.ts';

export const EndQuorumEpoch = defineApi({
  key: 54,
  name: 'EndQuorumEpoch',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 1,
  listeners: ['internal'],
  request: {
    clusterId: string({ nullable: true, default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        preferredSuccessors: array(int32(), { until: 0 }),
        preferredCandidates: array({ candidateId: int32(), candidateDirectoryId: uuid() }, { since: 1 }),
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

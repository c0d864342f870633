/**
 * Vote: a replica asks a voter of the metadata quorum for its vote; with `preVote` (v2) only whether it would get it.
 * v1 names the replicas by their directories, so that a voter that lost its disk is told from the one that it was.
 */
import { array, boolean, defineApi, int16, int32, int64, string, uint16, uuid } from '../codec/schema.ts';

export const Vote = defineApi({
  key: 52,
  name: 'Vote',
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    clusterId: string({ nullable: true, default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid({ since: 1 }),
        voterDirectoryId: uuid({ since: 1 }),
        lastOffsetEpoch: int32(),
        lastOffset: int64(),
        preVote: boolean({ since: 2, ignorable: false }),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        voteGranted: boolean(),
      }),
    }),
    nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: false }),
  },
});

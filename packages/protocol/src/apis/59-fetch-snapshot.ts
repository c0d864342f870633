/**
 * FetchSnapshot: a replica of the metadata log reads a snapshot from its leader, piece by piece. A piece is a slice of the
 * file, not of whole batches.
 */
import { array, defineApi, int16, int32, int64, records, string, struct, uint16, uuid } from '../codec/schema.ts';

export const FetchSnapshot = defineApi({
  key: 59,
  name: 'FetchSnapshot',
  minVersion: 0,
  maxVersion: 1,
  flexibleFrom: 0,
  listeners: ['internal'],
  request: {
    clusterId: string({ nullable: true, tag: 0, default: null, ignorable: false }),
    replicaId: int32({ default: -1 }),
    maxBytes: int32({ default: 2147483647 }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32(),
        snapshotId: struct({ endOffset: int64(), epoch: int32() }),
        position: int64(),
        replicaDirectoryId: uuid({ since: 1, tag: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    topics: array({
      name: string(),
      partitions: array({
        index: int32(),
        errorCode: int16(),
        snapshotId: struct({ endOffset: int64(), epoch: int32() }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }, { tag: 0, ignorable: false }),
        size: int64(),
        position: int64(),
        unalignedRecords: records(),
      }),
    }),
    nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: false }),
  },
});

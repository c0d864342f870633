/**
 * TxnOffsetCommit: a group's offsets that count once the transaction is committed. v3 names the member, v5 needs no
 * AddOffsetsToTxn before it.
 */
import { array, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const TxnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ since: 3, default: -1, ignorable: false }),
    memberId: string({ since: 3, default: '', ignorable: false }),
    groupInstanceId: string({ since: 3, nullable: true, default: null, ignorable: false }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 2, default: -1 }),
        committedMetadata: string({ nullable: true }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
});

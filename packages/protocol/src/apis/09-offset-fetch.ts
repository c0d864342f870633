/**
 * OffsetFetch: how far a group has read; from v8 on for several groups at once. v7 asks for offsets without pending
 * transactions, v9 carries the member and its epoch, v10 goes by topic id.
 */
import { array, boolean, defineApi, int16, int32, int64, string, uuid } from '../codec/schema.ts';

export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  minVersion: 1,
  maxVersion: 10,
  flexibleFrom: 6,
  request: {
    groupId: string({ until: 7, ignorable: false }),
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { until: 7, nullable: 2, ignorable: false }),
    groups: array(
      {
        groupId: string(),
        memberId: string({ since: 9, nullable: true, default: null }),
        memberEpoch: int32({ since: 9, default: -1 }),
        topics: array(
          { name: string({ until: 9 }), topicId: uuid({ since: 10 }), partitionIndexes: array(int32()) },
          { nullable: true },
        ),
      },
      { since: 8, ignorable: false },
    ),
    requireStable: boolean({ since: 7, default: false, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1 }),
          metadata: string({ nullable: true }),
          errorCode: int16(),
        }),
      },
      { until: 7, ignorable: false },
    ),
    errorCode: int16({ since: 2, until: 7 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ until: 9 }),
          topicId: uuid({ since: 10 }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: string({ nullable: true }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { since: 8, ignorable: false },
    ),
  },
});

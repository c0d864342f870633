/**
 * OffsetCommit: stores how far a group has read. v7 names the group instance, v9 is that of both group protocols, v10 goes
 * by topic id. Private: the offset that is to be replaced (`private-tags.ts`).
 */
import { array, defineApi, int16, int32, int64, string, uuid } from '../codec/schema.ts';
import { commitExpectedOffset } from '../private-tags.ts';

export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  minVersion: 2,
  maxVersion: 10,
  flexibleFrom: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string(),
    groupInstanceId: string({ since: 7, nullable: true, default: null, ignorable: false }),
    retentionTimeMs: int64({ until: 4, default: -1 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, default: -1 }),
        committedMetadata: string({ nullable: true }),
        expectedOffset: commitExpectedOffset,
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});

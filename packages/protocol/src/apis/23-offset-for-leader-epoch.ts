/**
 * OffsetForLeaderEpoch: where an epoch ended in the leader's log. With it followers, consumers and the mirror find the
 * point up to which their log and the leader's are the same.
 */
import { array, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  minVersion: 2,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    replicaId: int32({ since: 3, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({ partition: int32(), currentLeaderEpoch: int32({ default: -1 }), leaderEpoch: int32() }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
});

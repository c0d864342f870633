/**
 * ListOffsets: the offset for a timestamp, or for −1 latest, −2 earliest, −3 max timestamp, −4 earliest local,
 * −5 latest tiered, −6 earliest pending upload. v4 adds leader epochs.
 */
import { array, defineApi, int8, int16, int32, int64, string } from '../codec/schema.ts';

export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  minVersion: 1,
  maxVersion: 11,
  flexibleFrom: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ since: 2, ignorable: false }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, default: -1 }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ since: 10 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ since: 4, default: -1, ignorable: false }),
      }),
    }),
  },
});

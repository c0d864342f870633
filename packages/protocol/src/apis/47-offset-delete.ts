/**
 * OffsetDelete: deletes offsets of a group for topics that it is not subscribed to.
 */
import { array, defineApi, int16, int32, NEVER_FLEXIBLE, string } from '../codec/schema.ts';

export const OffsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: NEVER_FLEXIBLE,
  request: { groupId: string(), topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }) },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0 }),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
  },
});

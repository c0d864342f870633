/**
 * CreatePartitions: raises the partition count of topics; or only validates.
 */
import { array, boolean, defineApi, int16, int32, string } from '../codec/schema.ts';

export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  minVersion: 0,
  maxVersion: 3,
  flexibleFrom: 2,
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }, { nullable: true }),
    }),
    timeoutMs: int32(),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ name: string(), errorCode: int16(), errorMessage: string({ nullable: true, default: null }) }),
  },
});

/**
 * ListPartitionReassignments: the reassignments that are under way, of all partitions (null) or of some.
 */
import { array, defineApi, int16, int32, string } from '../codec/schema.ts';

export const ListPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  minVersion: 0,
  maxVersion: 0,
  flexibleFrom: 0,
  request: {
    timeoutMs: int32({ default: 60_000 }),
    topics: array({ name: string(), partitionIndexes: array(int32()) }, { nullable: true, default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
});

/**
 * CreateTopics: creates topics with a partition count or explicit assignments, and configs; or only validates.
 * v5 tells what was created, v7 the topic ids.
 */
import { array, boolean, defineApi, int8, int16, int32, string, uuid } from '../codec/schema.ts';

export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  minVersion: 2,
  maxVersion: 7,
  flexibleFrom: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: true }) }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: boolean({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7 }),
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null }),
      topicConfigErrorCode: int16({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: true }),
          readOnly: boolean(),
          configSource: int8({ default: -1 }),
          isSensitive: boolean(),
        },
        { since: 5, nullable: true },
      ),
    }),
  },
});

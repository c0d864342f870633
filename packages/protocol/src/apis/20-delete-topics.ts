/**
 * DeleteTopics: deletes topics by name; from v6 on by name or id.
 */
import { array, defineApi, int16, int32, string, uuid } from '../codec/schema.ts';

export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  minVersion: 1,
  maxVersion: 6,
  flexibleFrom: 4,
  request: {
    topics: array({ name: string({ nullable: true, default: null }), topicId: uuid() }, { since: 6, ignorable: false }),
    topicNames: array(string(), { until: 5 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      name: string({ nullable: 6 }),
      topicId: uuid({ since: 6 }),
      errorCode: int16(),
      errorMessage: string({ since: 5, nullable: true, default: null }),
    }),
  },
});

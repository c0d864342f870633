/**
 * AddPartitionsToTxn: announces to the coordinator which partitions a transaction is going to write to. Clients speak up
 * to v3; from v4 on it is for brokers only, several transactions at once, and with `verifyOnly` a mere question.
 */
import { array, boolean, defineApi, int16, int32, int64, string } from '../codec/schema.ts';

const topics = { name: string(), partitions: array(int32()) } as const;
const results = {
  name: string(),
  resultsByPartition: array({ partitionIndex: int32(), partitionErrorCode: int16() }),
} as const;

export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactions: array(
      {
        transactionalId: string(),
        producerId: int64(),
        producerEpoch: int16(),
        verifyOnly: boolean({ default: false }),
        topics: array(topics),
      },
      { since: 4, ignorable: false },
    ),
    v3AndBelowTransactionalId: string({ until: 3, ignorable: false }),
    v3AndBelowProducerId: int64({ until: 3, ignorable: false }),
    v3AndBelowProducerEpoch: int16({ until: 3, ignorable: false }),
    v3AndBelowTopics: array(topics, { until: 3, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 4 }),
    resultsByTransaction: array(
      { transactionalId: string(), topicResults: array(results) },
      { since: 4, ignorable: false },
    ),
    resultsByTopicV3AndBelow: array(results, { until: 3, ignorable: false }),
  },
});

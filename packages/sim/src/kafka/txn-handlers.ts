/**
 * What the simulated Apache Kafka answers about transactions: InitProducerId, AddPartitionsToTxn, EndTxn,
 * DescribeTransactions. Invariant: either all partitions of a request join the transaction or none.
 */
import {
  type AddPartitionsToTxn,
  type DescribeTransactions,
  type EndTxn,
  ERROR,
  type InitProducerId,
  type RequestOf,
  type ResponseInput,
} from '@meridian/protocol';
import type { KafkaContext } from './kafka-context.ts';

export function initProducerId(
  { transactions }: KafkaContext,
  body: RequestOf<typeof InitProducerId>,
): ResponseInput<typeof InitProducerId> {
  return transactions.initProducerId(body.transactionalId, body.transactionTimeoutMs, body);
}

export function addPartitions(
  { transactions, disk }: KafkaContext,
  body: RequestOf<typeof AddPartitionsToTxn>,
): ResponseInput<typeof AddPartitionsToTxn> {
  const topics = body.v3AndBelowTopics;
  const isThere = (name: string, partition: number): boolean => disk.partition(name, partition) !== undefined;
  const areAllThere = topics.every(({ name, partitions }) => partitions.every((each) => isThere(name, each)));
  const producer = { producerId: body.v3AndBelowProducerId, producerEpoch: body.v3AndBelowProducerEpoch };
  const errorCode = areAllThere
    ? transactions.addPartitions(body.v3AndBelowTransactionalId, producer, topics)
    : ERROR.OPERATION_NOT_ATTEMPTED;
  return {
    resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((partitionIndex) => ({
        partitionIndex,
        partitionErrorCode: isThere(name, partitionIndex) ? errorCode : ERROR.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    })),
  };
}

export function endTxn({ transactions }: KafkaContext, body: RequestOf<typeof EndTxn>): ResponseInput<typeof EndTxn> {
  return { errorCode: transactions.end(body.transactionalId, body, body.committed) };
}

export function describeTransactions(
  { disk }: KafkaContext,
  body: RequestOf<typeof DescribeTransactions>,
): ResponseInput<typeof DescribeTransactions> {
  return {
    transactionStates: body.transactionalIds.map((transactionalId) => {
      const found = disk.transactions.get(transactionalId);
      if (found === undefined) return { ...NOBODY, errorCode: ERROR.TRANSACTIONAL_ID_NOT_FOUND, transactionalId };
      const byTopic = Map.groupBy(found.partitions.values(), ({ topic }) => topic);
      return {
        errorCode: ERROR.NONE,
        transactionalId,
        transactionState: found.state,
        transactionTimeoutMs: found.timeoutMs,
        transactionStartTimeMs: found.startedMs,
        ...{ producerId: found.producerId, producerEpoch: found.producerEpoch },
        topics: [...byTopic].map(([topic, list]) => ({ topic, partitions: list.map((each) => each.partition) })),
      };
    }),
  };
}

const NOBODY = {
  ...{ transactionState: '', transactionTimeoutMs: 0, transactionStartTimeMs: -1 },
  ...{ producerId: -1, producerEpoch: 0, topics: [] },
};

/**
 * What the simulated Apache Kafka answers about logs: Produce, ListOffsets, OffsetForLeaderEpoch, DeleteRecords,
 * DescribeProducers. Invariant: an answer per partition that was asked about, in the request's order.
 */
import {
  type DeleteRecords,
  type DescribeProducers,
  decompress,
  ERROR,
  type ListOffsets,
  type OffsetForLeaderEpoch,
  type Produce,
  type RequestOf,
  type ResponseInput,
} from '@meridian/protocol';
import { readBatchHeader, readRecords } from '@meridian/protocol/record-batch';
import type { KafkaContext } from './kafka-context.ts';
import type { SimTopic } from './sim-kafka-disk.ts';
import type { SimPartition } from './sim-partition.ts';

const EARLIEST = -2;
const LATEST = -1;
const MAX_TIMESTAMP = -3;

/** From this version of Produce on, clients know the code that lets them abort. */
const ABORTABLE_SINCE = 11;

export function produce(
  kafka: KafkaContext,
  body: RequestOf<typeof Produce>,
  version: number,
): ResponseInput<typeof Produce> {
  const notInTransaction = version >= ABORTABLE_SINCE ? ERROR.TRANSACTION_ABORTABLE : ERROR.INVALID_TXN_STATE;
  const responses = body.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index, records }) => {
      const topic = kafka.topicOf(name, topicId);
      const partition = topic?.partitions[index];
      if (topic === undefined || partition === undefined) {
        return { index, errorCode: kafka.unknown(name), baseOffset: -1 };
      }
      const inTransaction = (header: { producerId: number; producerEpoch: number }): boolean =>
        kafka.transactions.holds(header, topic.id, index);
      const rules = { ...rulesOf(topic, kafka), notInTransaction };
      const answer = partition.append(Buffer.concat(records ?? []), rules, inTransaction);
      return { index, ...answer, logStartOffset: partition.startOffset };
    }),
  }));
  kafka.wake();
  return { responses };
}

function rulesOf({ configs }: SimTopic, { io }: KafkaContext) {
  return {
    maxMessageBytes: Number(configs.get('max.message.bytes') ?? 1_048_588),
    isCompacted: configs.get('cleanup.policy')?.includes('compact') ?? false,
    ...(configs.get('message.timestamp.type') === 'LogAppendTime' && { appendTimeMs: io.clock.now() }),
  };
}

export function listOffsets(
  kafka: KafkaContext,
  body: RequestOf<typeof ListOffsets>,
): ResponseInput<typeof ListOffsets> {
  return {
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      // One that is named twice is refused, once.
      partitions: distinct(partitions).map(({ partitionIndex, timestamp, currentLeaderEpoch }) => {
        const isTwice = partitions.filter((each) => each.partitionIndex === partitionIndex).length > 1;
        if (isTwice) return { partitionIndex, errorCode: ERROR.INVALID_REQUEST };
        const partition = kafka.disk.partition(name, partitionIndex);
        if (partition === undefined) return { partitionIndex, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        const errorCode = leaderError(partition, currentLeaderEpoch);
        if (errorCode !== ERROR.NONE) return { partitionIndex, errorCode };
        return { partitionIndex, errorCode, ...offsetAt(partition, timestamp, body.isolationLevel === 1) };
      }),
    })),
  };
}

function distinct<T extends { readonly partitionIndex: number }>(partitions: readonly T[]): T[] {
  return [...new Map(partitions.map((each) => [each.partitionIndex, each])).values()];
}

function offsetAt(partition: SimPartition, timestamp: number, isCommitted: boolean) {
  const end = isCommitted ? partition.lastStableOffset : partition.endOffset;
  const at = (offset: number, ms = -1) => ({ offset, timestamp: ms, leaderEpoch: partition.epochAt(offset) });
  if (timestamp === EARLIEST) return at(partition.startOffset);
  if (timestamp === LATEST) return { offset: end, timestamp: -1, leaderEpoch: partition.leaderEpoch };
  let newest: { offset: number; timestamp: number } | undefined;
  for (const batch of partition.batches) {
    if (readBatchHeader(batch).isControl) continue;
    for (const record of readRecords(batch, { decompress })) {
      if (record.offset < partition.startOffset || record.offset >= end) continue;
      if (timestamp >= 0 && record.timestamp >= timestamp) return at(record.offset, record.timestamp);
      if (newest === undefined || record.timestamp > newest.timestamp) newest = record;
    }
  }
  return timestamp === MAX_TIMESTAMP && newest !== undefined ? at(newest.offset, newest.timestamp) : {};
}

export function leaderError(partition: SimPartition, currentLeaderEpoch: number): number {
  if (currentLeaderEpoch < 0 || currentLeaderEpoch === partition.leaderEpoch) return ERROR.NONE;
  return currentLeaderEpoch < partition.leaderEpoch ? ERROR.FENCED_LEADER_EPOCH : ERROR.UNKNOWN_LEADER_EPOCH;
}

export function offsetForLeaderEpoch(
  kafka: KafkaContext,
  body: RequestOf<typeof OffsetForLeaderEpoch>,
): ResponseInput<typeof OffsetForLeaderEpoch> {
  return {
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition: index, currentLeaderEpoch, leaderEpoch }) => {
        const partition = kafka.disk.partition(topic, index);
        if (partition === undefined) return { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, partition: index };
        const errorCode = leaderError(partition, currentLeaderEpoch);
        if (errorCode !== ERROR.NONE) return { errorCode, partition: index };
        const end = partition.endOffsetFor(leaderEpoch);
        return { errorCode, partition: index, leaderEpoch: end.epoch, endOffset: end.endOffset };
      }),
    })),
  };
}

export function deleteRecords(
  kafka: KafkaContext,
  body: RequestOf<typeof DeleteRecords>,
): ResponseInput<typeof DeleteRecords> {
  const topics = body.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => {
      const partition = kafka.disk.partition(name, partitionIndex);
      if (partition === undefined) {
        return { partitionIndex, lowWatermark: -1, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
      }
      const before = offset === -1 ? partition.endOffset : offset;
      if (before < 0 || before > partition.endOffset) {
        return { partitionIndex, lowWatermark: -1, errorCode: ERROR.OFFSET_OUT_OF_RANGE };
      }
      partition.deleteRecords(before);
      return { partitionIndex, lowWatermark: partition.startOffset, errorCode: ERROR.NONE };
    }),
  }));
  kafka.wake();
  return { topics };
}

export function describeProducers(
  kafka: KafkaContext,
  body: RequestOf<typeof DescribeProducers>,
): ResponseInput<typeof DescribeProducers> {
  return {
    topics: body.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const partition = kafka.disk.partition(name, partitionIndex);
        if (partition === undefined) {
          return { partitionIndex, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, activeProducers: [] };
        }
        const activeProducers = partition.producers.entries().map(([producerId, state]) => ({
          producerId,
          producerEpoch: state.epoch,
          lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
          lastTimestamp: state.lastTimestamp,
          coordinatorEpoch: state.coordinatorEpoch,
          currentTxnStartOffset: state.txnStart,
        }));
        return { partitionIndex, errorCode: ERROR.NONE, activeProducers };
      }),
    })),
  };
}

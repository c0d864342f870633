/**
 * What the fake broker answers, by API. `errorCode` is what a test wants every partition to fail with.
 * Invariant: only what the client and the mirror use is served, in all versions.
 */
import {
  type CreatePartitions,
  type CreateTopics,
  type DeleteRecords,
  type DeleteTopics,
  type DescribeConfigs,
  type DescribeProducers,
  ERROR,
  type Fetch,
  type FindCoordinator,
  type IncrementalAlterConfigs,
  type ListOffsets,
  type OffsetForLeaderEpoch,
  type Produce,
  type RequestOf,
  type ResponseInput,
} from '@meridian/protocol';
import { BATCH_HEADER_BYTES } from '@meridian/protocol/record-batch';
import type { FakeBroker, FakeTopic } from './fake-broker.ts';
import { FakePartition } from './fake-partition.ts';

type Handler = (broker: FakeBroker, body: never, errorCode: number | undefined) => unknown;

const EARLIEST = -2;

function topicOf(broker: FakeBroker, name: string, id: string): FakeTopic | undefined {
  return name === '' ? [...broker.topics.values()].find((topic) => topic.id === id) : broker.topics.get(name);
}

function produce(
  broker: FakeBroker,
  body: RequestOf<typeof Produce>,
  errorCode: number | undefined,
): ResponseInput<typeof Produce> {
  const responses = body.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index, records, mirror }) => {
      const partition = topicOf(broker, name, topicId)?.partitions[index];
      if (errorCode !== undefined) return { index, errorCode, baseOffset: -1 };
      if (partition === undefined) return { index, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 };
      if (partition.leader !== broker.nodeId) {
        return { index, errorCode: ERROR.NOT_LEADER_OR_FOLLOWER, baseOffset: -1, ...hintOf(broker, partition) };
      }
      const bytes = Buffer.concat(records ?? []);
      if (mirror === null) return { index, ...partition.append(bytes) };
      const code = partition.appendMirrored(bytes, mirror);
      return { index, errorCode: code, baseOffset: -1, logEnd: partition.endOffset };
    }),
  }));
  broker.wake();
  return { responses, ...endpointsOf(broker) };
}

function hintOf(broker: FakeBroker, { leader, leaderEpoch }: FakePartition) {
  return broker.hints ? { currentLeader: { leaderId: leader, leaderEpoch } } : {};
}

function endpointsOf({ hints, nodes }: FakeBroker) {
  return hints ? { nodeEndpoints: Array.from(nodes, ([nodeId, address]) => ({ nodeId, ...address })) } : {};
}

async function fetch(
  broker: FakeBroker,
  body: RequestOf<typeof Fetch>,
  errorCode: number | undefined,
): Promise<ResponseInput<typeof Fetch>> {
  broker.fetchesNamed.push(body.topics.reduce((sum, { partitions }) => sum + partitions.length, 0));
  const asked = broker.sessions.take(body);
  if (asked.errorCode !== ERROR.NONE) return { errorCode: asked.errorCode, sessionId: 0, responses: [] };
  const read = () => readAll(broker, asked.request, errorCode);
  let answer = read();
  if (!answer.isUrgent && answer.bytes < body.minBytes && body.maxWaitMs > 0) {
    await new Promise<void>((resolve) => {
      const timer = broker.io!.timers.after(body.maxWaitMs, () => end());
      const leave = broker.addWaiter(() => {
        const { isUrgent, bytes } = read();
        if (isUrgent || bytes >= body.minBytes) end();
      });
      const end = (): void => {
        leave();
        timer.cancel();
        resolve();
      };
      if (!broker.sessions.park(body, end)) end();
    });
    answer = read();
  }
  const responses = broker.sessions.newsOf(asked, answer.responses);
  const told = body.headersOnly ? headersOf(responses) : packed(broker, body.wireCodec, responses);
  return { errorCode: ERROR.NONE, sessionId: asked.session?.id ?? 0, responses: told, ...endpointsOf(broker) };
}

type Told = ResponseInput<typeof Fetch>['responses'];

function headersOf(responses: Told): Told {
  return responses.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((each) => {
      const records = (each.records ?? []).map((batch) => batch.subarray(0, BATCH_HEADER_BYTES));
      return { ...each, records, headersOnly: true };
    }),
  }));
}

function packed({ packs }: FakeBroker, wireCodec: number, responses: Told): Told {
  if (packs === undefined) return responses;
  return responses.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((each) => {
      const plain = Buffer.concat(each.records ?? []);
      const found = plain.length === 0 ? undefined : packs(plain, wireCodec);
      if (found === undefined) return each;
      const { block, codec, sizeInBytes } = found;
      return { ...each, records: [block], packed: { codec, sizeInBytes } };
    }),
  }));
}

function readAll(broker: FakeBroker, body: RequestOf<typeof Fetch>, errorCode: number | undefined) {
  let bytes = 0;
  let isUrgent = errorCode !== undefined;
  const responses = body.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map((ask) => {
      const partition = topicOf(broker, topic, topicId)?.partitions[ask.partition];
      const unknown = topic === '' ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      const code = errorCode ?? (partition === undefined ? unknown : refusal(broker, partition, ask));
      if (code !== ERROR.NONE) isUrgent = true;
      if (code !== ERROR.NONE || partition === undefined) {
        return {
          partitionIndex: ask.partition,
          errorCode: code,
          highWatermark: -1,
          abortedTransactions: null,
          records: null,
          ...(partition && hintOf(broker, partition)),
        };
      }
      const read = readOne(partition, ask, body.maxBytes - bytes, bytes === 0);
      bytes += read.bytes;
      if (read.answer.divergingEpoch !== undefined) isUrgent = true;
      return read.answer;
    }),
  }));
  return { bytes, isUrgent, responses };
}

type Ask = RequestOf<typeof Fetch>['topics'][number]['partitions'][number];

function refusal(broker: FakeBroker, partition: FakePartition, ask: Ask): number {
  if (partition.leader !== broker.nodeId) return ERROR.NOT_LEADER_OR_FOLLOWER;
  if (ask.currentLeaderEpoch >= 0 && ask.currentLeaderEpoch < partition.leaderEpoch) return ERROR.FENCED_LEADER_EPOCH;
  const isInside = ask.fetchOffset >= partition.startOffset && ask.fetchOffset <= partition.endOffset;
  return isInside || diverging(partition, ask) !== undefined ? ERROR.NONE : ERROR.OFFSET_OUT_OF_RANGE;
}

function diverging(partition: FakePartition, ask: Ask): { epoch: number; endOffset: number } | undefined {
  if (ask.lastFetchedEpoch < 0) return undefined;
  const end = partition.endOffsetFor(ask.lastFetchedEpoch);
  return end.epoch < ask.lastFetchedEpoch || end.endOffset < ask.fetchOffset ? end : undefined;
}

function readOne(partition: FakePartition, ask: Ask, maxBytes: number, first: boolean) {
  const divergingEpoch = diverging(partition, ask);
  const found = divergingEpoch ? [] : partition.read(ask.fetchOffset, Math.min(maxBytes, ask.partitionMaxBytes));
  const size = found.reduce((sum, batch) => sum + batch.length, 0);
  const records = first || size <= maxBytes ? found : [];
  const answer = {
    partitionIndex: ask.partition,
    errorCode: ERROR.NONE,
    highWatermark: partition.highWatermark ?? partition.endOffset,
    logStartOffset: partition.startOffset,
    divergingEpoch,
    abortedTransactions: null,
    originEpochs: ask.originEpochsFrom < 0 ? [] : partition.originEpochs.slice(ask.originEpochsFrom),
    records: records.map((batch) => Buffer.from(batch)),
  };
  return { bytes: records.length === 0 ? 0 : size, answer };
}

function listOffsets(broker: FakeBroker, body: RequestOf<typeof ListOffsets>): ResponseInput<typeof ListOffsets> {
  return {
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => {
        const partition = broker.topics.get(name)?.partitions[partitionIndex];
        const isRepeated = partitions.filter((other) => other.partitionIndex === partitionIndex).length > 1;
        if (isRepeated) return { partitionIndex, errorCode: ERROR.INVALID_REQUEST };
        if (partition === undefined) return { partitionIndex, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        if (partition.lookUpError !== ERROR.NONE) return { partitionIndex, errorCode: partition.lookUpError };
        const offset = timestamp === EARLIEST ? partition.startOffset : partition.endOffset;
        return { partitionIndex, errorCode: ERROR.NONE, offset, leaderEpoch: partition.leaderEpoch };
      }),
    })),
  };
}

function offsetForLeaderEpoch(
  broker: FakeBroker,
  body: RequestOf<typeof OffsetForLeaderEpoch>,
): ResponseInput<typeof OffsetForLeaderEpoch> {
  return {
    topics: body.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition: index, leaderEpoch }) => {
        const partition = broker.topics.get(topic)?.partitions[index];
        if (partition === undefined) return { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION, partition: index };
        if (partition.lookUpError !== ERROR.NONE) return { errorCode: partition.lookUpError, partition: index };
        const end = partition.endOffsetFor(leaderEpoch);
        return { errorCode: ERROR.NONE, partition: index, leaderEpoch: end.epoch, endOffset: end.endOffset };
      }),
    })),
  };
}

/** Its logs remember no producers. */
function describeProducers(
  broker: FakeBroker,
  body: RequestOf<typeof DescribeProducers>,
): ResponseInput<typeof DescribeProducers> {
  return {
    topics: body.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const isThere = broker.topics.get(name)?.partitions[partitionIndex] !== undefined;
        const errorCode = isThere ? ERROR.NONE : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
        return { partitionIndex, errorCode, activeProducers: [] };
      }),
    })),
  };
}

function createTopics(broker: FakeBroker, body: RequestOf<typeof CreateTopics>): ResponseInput<typeof CreateTopics> {
  return {
    topics: body.topics.map(({ name, numPartitions, configs }) => {
      if (broker.topics.has(name)) return { name, errorCode: ERROR.TOPIC_ALREADY_EXISTS, configs: [] };
      const values = Object.fromEntries(configs.map((config) => [config.name, config.value ?? '']));
      const topic = broker.createTopic(name, numPartitions, values);
      return { name, topicId: topic.id, errorCode: ERROR.NONE, configs: [] };
    }),
  };
}

function createPartitions(
  broker: FakeBroker,
  body: RequestOf<typeof CreatePartitions>,
): ResponseInput<typeof CreatePartitions> {
  return {
    results: body.topics.map(({ name, count }) => {
      const partitions = broker.topics.get(name)?.partitions;
      while (partitions !== undefined && partitions.length < count) partitions.push(new FakePartition());
      return { name, errorCode: partitions === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE };
    }),
  };
}

function describeConfigs(
  broker: FakeBroker,
  body: RequestOf<typeof DescribeConfigs>,
): ResponseInput<typeof DescribeConfigs> {
  return {
    results: body.resources.map(({ resourceType, resourceName }) => {
      const topic = broker.topics.get(resourceName);
      const configs = [...(topic?.configs ?? [])].map(([name, value]) => ({
        name,
        value,
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [],
        configType: 2,
        documentation: null,
      }));
      const errorCode = topic === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE;
      return { errorCode, resourceType, resourceName, configs };
    }),
  };
}

/** It coordinates nothing; a test that wants groups serves them itself. */
function findCoordinator(
  _: FakeBroker,
  { coordinatorKeys }: RequestOf<typeof FindCoordinator>,
): ResponseInput<typeof FindCoordinator> {
  const errorCode = ERROR.COORDINATOR_NOT_AVAILABLE;
  return { coordinators: coordinatorKeys.map((key) => ({ key, nodeId: -1, host: '', port: -1, errorCode })) };
}

function alterConfigs(
  broker: FakeBroker,
  { resources }: RequestOf<typeof IncrementalAlterConfigs>,
): ResponseInput<typeof IncrementalAlterConfigs> {
  const SET = 0;
  return {
    responses: resources.map(({ resourceType, resourceName, configs }) => {
      const topic = broker.topics.get(resourceName);
      for (const { name, value, configOperation } of configs) {
        if (configOperation === SET) topic?.configs.set(name, value ?? '');
        else topic?.configs.delete(name);
      }
      const errorCode = topic === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE;
      return { errorCode, errorMessage: null, resourceType, resourceName };
    }),
  };
}

function deleteRecords(
  broker: FakeBroker,
  { topics }: RequestOf<typeof DeleteRecords>,
): ResponseInput<typeof DeleteRecords> {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => {
        const partition = broker.topics.get(name)?.partitions[partitionIndex];
        if (partition === undefined) {
          return { partitionIndex, lowWatermark: -1, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        }
        partition.advanceStart(Math.max(partition.startOffset, offset));
        return { partitionIndex, lowWatermark: partition.startOffset, errorCode: ERROR.NONE };
      }),
    })),
  };
}

function deleteTopics(broker: FakeBroker, body: RequestOf<typeof DeleteTopics>): ResponseInput<typeof DeleteTopics> {
  const names = [...body.topicNames, ...body.topics.map(({ name }) => name ?? '')];
  return {
    responses: names.map((name) => {
      const errorCode = broker.topics.delete(name) ? ERROR.NONE : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      return { name, errorCode };
    }),
  };
}

export const FAKE_HANDLERS: Readonly<Record<string, Handler>> = {
  Produce: produce,
  Fetch: fetch,
  ListOffsets: listOffsets,
  OffsetForLeaderEpoch: offsetForLeaderEpoch,
  DescribeProducers: describeProducers,
  CreateTopics: createTopics,
  CreatePartitions: createPartitions,
  DescribeConfigs: describeConfigs,
  FindCoordinator: findCoordinator,
  IncrementalAlterConfigs: alterConfigs,
  DeleteRecords: deleteRecords,
  DeleteTopics: deleteTopics,
  ListGroups: (broker) => broker.groups.list(),
  OffsetFetch: (broker, body) => broker.groups.fetch(body),
  OffsetCommit: (broker, body) => broker.groups.commit(body),
  InitProducerId: () => ({ errorCode: ERROR.NONE, producerId: 4711, producerEpoch: 0 }),
};

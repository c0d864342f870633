/**
 * What the simulated Apache Kafka answers about itself and its topics: Metadata, CreateTopics, DeleteTopics,
 * CreatePartitions, DescribeConfigs, IncrementalAlterConfigs. Invariant: a config that Apache Kafka does not know is
 * refused, ours included.
 */
import {
  type CreatePartitions,
  type CreateTopics,
  type DeleteTopics,
  type DescribeConfigs,
  ERROR,
  type IncrementalAlterConfigs,
  type Metadata,
  type RequestOf,
  type ResponseInput,
  ZERO_UUID,
} from '@meridian/protocol';
import type { KafkaContext } from './kafka-context.ts';
import type { SimTopic } from './sim-kafka-disk.ts';

const DEFAULTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'cleanup.policy': 'delete',
    'flush.messages': '9223372036854775807',
    'compression.type': 'producer',
    'delete.retention.ms': '86400000',
    'max.compaction.lag.ms': '9223372036854775807',
    'max.message.bytes': '1048588',
    'message.timestamp.after.max.ms': '3600000',
    'message.timestamp.before.max.ms': '9223372036854775807',
    'message.timestamp.type': 'CreateTime',
    'min.cleanable.dirty.ratio': '0.5',
    'min.compaction.lag.ms': '0',
    'min.insync.replicas': '1',
    'retention.bytes': '-1',
    'retention.ms': '604800000',
    'segment.bytes': '1073741824',
    'segment.ms': '604800000',
    'unclean.leader.election.enable': 'false',
  }),
);
const TOPIC_RESOURCE = 2;
const SET_ON_TOPIC = 1;
const DEFAULT_CONFIG = 5;
const OPERATION = { set: 0, delete: 1 } as const;

export function metadata(kafka: KafkaContext, body: RequestOf<typeof Metadata>): ResponseInput<typeof Metadata> {
  const { disk, nodeId, host, port } = kafka;
  const asked = body.topics?.map(({ name, topicId }) => ({ name, topicId, topic: kafka.topicOf(name ?? '', topicId) }));
  const topics = asked ?? [...disk.topics.values()].map((topic) => ({ name: topic.name, topicId: topic.id, topic }));
  return {
    brokers: [{ nodeId, host, port }],
    clusterId: `sim-${host}`,
    controllerId: nodeId,
    topics: topics.map(({ name, topicId, topic }) => describeTopic(kafka, name, topicId, topic)),
    errorCode: ERROR.NONE,
  };
}

function describeTopic(kafka: KafkaContext, name: string | null, topicId: string, topic: SimTopic | undefined) {
  if (topic === undefined) return { errorCode: kafka.unknown(name ?? ''), name, topicId, partitions: [] };
  const { nodeId } = kafka;
  const partitions = topic.partitions.map(({ leaderEpoch }, partitionIndex) => ({
    ...{ errorCode: ERROR.NONE, partitionIndex, leaderId: nodeId, leaderEpoch },
    ...{ replicaNodes: [nodeId], isrNodes: [nodeId] },
  }));
  return { errorCode: ERROR.NONE, name: topic.name, topicId: topic.id, partitions };
}

export function createTopics(
  kafka: KafkaContext,
  body: RequestOf<typeof CreateTopics>,
): ResponseInput<typeof CreateTopics> {
  const { disk, io } = kafka;
  const topics = body.topics.map(({ name, numPartitions, configs }) => {
    const refuse = (errorCode: number, errorMessage: string) => ({ name, errorCode, errorMessage, configs: [] });
    if (disk.topics.has(name)) return refuse(ERROR.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    const foreign = configs.find((config) => !DEFAULTS.has(config.name));
    if (foreign !== undefined) return refuse(ERROR.INVALID_CONFIG, `Unknown topic config name: ${foreign.name}`);
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name)) return refuse(ERROR.INVALID_TOPIC_EXCEPTION, name);
    const values = new Map(configs.map((config) => [config.name, config.value ?? '']));
    const count = numPartitions > 0 ? numPartitions : 1;
    const { id } = disk.addTopic(name, newUuid(io.random.bytes(16)), count, values);
    return { name, topicId: id, errorCode: ERROR.NONE, numPartitions: count, replicationFactor: 1, configs: [] };
  });
  kafka.wake();
  return { topics };
}

function newUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function deleteTopics(
  kafka: KafkaContext,
  body: RequestOf<typeof DeleteTopics>,
): ResponseInput<typeof DeleteTopics> {
  const asked = [...body.topics, ...body.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))];
  const responses = asked.map(({ name, topicId }) => {
    const topic = kafka.topicOf(name ?? '', topicId);
    if (topic === undefined) return { name, topicId, errorCode: kafka.unknown(name ?? '') };
    kafka.disk.topics.delete(topic.name);
    for (const { offsets } of kafka.disk.groups.values())
      for (const partition of topic.partitions.keys()) offsets.delete(`${topic.name}/${partition}`);
    return { name: topic.name, topicId: topic.id, errorCode: ERROR.NONE };
  });
  kafka.wake();
  return { responses };
}

export function createPartitions(
  { disk }: KafkaContext,
  body: RequestOf<typeof CreatePartitions>,
): ResponseInput<typeof CreatePartitions> {
  return {
    results: body.topics.map(({ name, count }) => {
      const topic = disk.topics.get(name);
      if (topic === undefined) return { name, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
      if (count <= topic.partitions.length) return { name, errorCode: ERROR.INVALID_PARTITIONS };
      disk.addPartitions(topic, count);
      return { name, errorCode: ERROR.NONE };
    }),
  };
}

export function describeConfigs(
  { disk }: KafkaContext,
  body: RequestOf<typeof DescribeConfigs>,
): ResponseInput<typeof DescribeConfigs> {
  return {
    results: body.resources.map(({ resourceType, resourceName, configurationKeys }) => {
      const topic = resourceType === TOPIC_RESOURCE ? disk.topics.get(resourceName) : undefined;
      const names = topic === undefined ? [] : [...DEFAULTS.keys()];
      const configs = names
        .filter((name) => configurationKeys === null || configurationKeys.includes(name))
        .map((name) => ({
          ...{ name, value: topic!.configs.get(name) ?? DEFAULTS.get(name)!, readOnly: false, isSensitive: false },
          configSource: topic!.configs.has(name) ? SET_ON_TOPIC : DEFAULT_CONFIG,
          ...{ synonyms: [], configType: 2, documentation: null },
        }));
      const errorCode = topic === undefined ? ERROR.UNKNOWN_TOPIC_OR_PARTITION : ERROR.NONE;
      return { errorCode, resourceType, resourceName, configs };
    }),
  };
}

export function alterConfigs(
  { disk }: KafkaContext,
  body: RequestOf<typeof IncrementalAlterConfigs>,
): ResponseInput<typeof IncrementalAlterConfigs> {
  return {
    responses: body.resources.map(({ resourceType, resourceName, configs }) => {
      const topic = resourceType === TOPIC_RESOURCE ? disk.topics.get(resourceName) : undefined;
      const place = { resourceType, resourceName };
      if (topic === undefined) return { ...place, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
      if (configs.some(({ name }) => !DEFAULTS.has(name))) return { ...place, errorCode: ERROR.INVALID_CONFIG };
      for (const { name, configOperation, value } of configs) {
        if (configOperation === OPERATION.delete) topic.configs.delete(name);
        else topic.configs.set(name, value ?? '');
      }
      return { ...place, errorCode: ERROR.NONE };
    }),
  };
}

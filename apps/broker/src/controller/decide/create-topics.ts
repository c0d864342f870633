/**
 * Decides CreateTopics, with Apache Kafka's checks in Apache Kafka's order, so that the same mistake gets the same
 * error. Ours besides: names that begin with a region's name and a dot, and `meridian.origin.*`, are the mirror's.
 * Invariant: a topic's records stand together: topic, configs, partitions.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { CreatedTopic, CreateTopics, CreateTopicsResult, NewTopic, Requester } from '../commands.ts';
import { topicConfigValue } from '../configs/effective.ts';
import { DirectoryChooser } from '../directories.ts';
import type { MetadataImage } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { CLUSTER_METADATA_TOPIC, collisionKey, reservingRegion, whyInvalidTopicName } from '../topic-name.ts';
import { checkConfig, checkConfigsTogether, configRecord } from './config-changes.ts';
import { configSources, type DecideContext, type Decision, duplicatesIn, orRefusal, Refusal } from './decision.ts';
import { checkAssignment, newPartitionRecord, placeReplicas } from './placement.ts';

export function decideCreateTopics(
  image: MetadataImage,
  command: CreateTopics,
  context: DecideContext,
): Decision<CreateTopicsResult> {
  const duplicates = duplicatesIn(command.topics.map((topic) => topic.name));
  const records: MetadataRecordInput[] = [];
  const tooMany = asksForTooMuch(command);
  const directories = new DirectoryChooser(image);
  const created = command.topics.flatMap((topic): CreatedTopic[] => {
    if (duplicates.has(topic.name)) return [];
    if (tooMany) return [failed(topic.name, TOO_MANY)];
    const decided = orRefusal(() => decideTopic(image, topic, command.requester, context, directories));
    if (decided instanceof Refusal) return [failed(topic.name, decided)];
    records.push(...decided.records);
    return [decided.result];
  });
  const repeated = [...duplicates].map((name) =>
    failed(name, new Refusal(ERROR.INVALID_REQUEST, 'Duplicate topic name.')),
  );
  return { records: command.validateOnly ? [] : records, result: { topics: [...created, ...repeated] } };
}

const TOO_MANY = new Refusal(ERROR.POLICY_VIOLATION, 'Excessively large number of partitions per request.');

function configChars({ configs }: NewTopic): number {
  return configs.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

function asksForTooMuch({ topics }: CreateTopics): boolean {
  const asked = topics.reduce((sum, topic) => sum + Math.max(topic.numPartitions, topic.assignments.length, 1), 0);
  const chars = topics.reduce((sum, topic) => sum + configChars(topic), 0);
  return asked > CONTROLLER_LIMITS.partitionsPerRequest || chars > CONTROLLER_LIMITS.configCharsPerRequest;
}

function failed(name: string, { errorCode, message }: Refusal): CreatedTopic {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode,
    errorMessage: message,
    numPartitions: -1,
    replicationFactor: -1,
    configs: new Map(),
  };
}

function decideTopic(
  image: MetadataImage,
  topic: NewTopic,
  requester: Requester,
  context: DecideContext,
  directories: DirectoryChooser,
): Decision<CreatedTopic> {
  checkName(image, topic.name, requester, context.regions);
  const configs = checkConfigs(image, topic, requester, context);
  const replicas = replicasOf(image, topic, context);
  const topicId = context.newUuid();
  return {
    records: [
      { type: 'TopicRecord', name: topic.name, topicId },
      ...[...configs].map(([name, value]) => configRecord('topic', topic.name, name, value)),
      ...replicas.map((brokerIds, index) => newPartitionRecord(image, topicId, index, brokerIds, directories)),
    ],
    result: {
      name: topic.name,
      topicId,
      errorCode: ERROR.NONE,
      errorMessage: null,
      numPartitions: replicas.length,
      replicationFactor: replicas[0]!.length,
      configs,
    },
  };
}

function checkName(image: MetadataImage, name: string, requester: Requester, regions: readonly string[]): void {
  if (name === CLUSTER_METADATA_TOPIC) {
    throw new Refusal(ERROR.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`);
  }
  if (image.topicsByName.has(name)) {
    throw new Refusal(ERROR.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  const why = whyInvalidTopicName(name) ?? whyColliding(image, name) ?? whyReserved(name, requester, regions);
  if (why !== null) throw new Refusal(ERROR.INVALID_TOPIC_EXCEPTION, why);
}

function whyColliding(image: MetadataImage, name: string): string | null {
  const key = collisionKey(name);
  const colliding = key === undefined ? undefined : image.namesByCollisionKey.get(key);
  if (colliding === undefined) return null;
  const [first] = colliding;
  return `Topic '${name}' collides with existing topic: ${first}`;
}

function whyReserved(name: string, requester: Requester, regions: readonly string[]): string | null {
  if (requester === 'internal') return null;
  const region = reservingRegion(name, regions);
  return region === undefined
    ? null
    : `Topic '${name}' begins with the name of region ${region} and a dot, which only copies made by the mirror may`;
}

/** The topic's configs by name; of a name given twice the last one holds. */
function checkConfigs(
  image: MetadataImage,
  topic: NewTopic,
  requester: Requester,
  context: DecideContext,
): Map<string, string> {
  const withoutValue = topic.configs.filter(({ value }) => value === null).map(({ name }) => name);
  if (withoutValue.length > 0) {
    const why = `Null value not supported for topic configs: ${withoutValue.join(',')}`;
    throw new Refusal(ERROR.INVALID_CONFIG, why);
  }
  const configs = new Map(topic.configs.map(({ name, value }) => [name, value as string]));
  for (const [name, value] of configs) checkConfig('topic', name, value, requester);
  const sources = configSources(image, context);
  checkConfigsTogether((name) => configs.get(name) ?? topicConfigValue(sources, topic.name, name));
  return configs;
}

function replicasOf(image: MetadataImage, topic: NewTopic, context: DecideContext): readonly (readonly number[])[] {
  if (topic.assignments.length > 0) return assignedReplicas(image, topic);
  const { numPartitions, replicationFactor } = topic;
  if (replicationFactor < -1 || replicationFactor === 0) {
    const why = 'Replication factor must be larger than 0, or -1 to use the default value.';
    throw new Refusal(ERROR.INVALID_REPLICATION_FACTOR, why);
  }
  if (numPartitions < -1 || numPartitions === 0) {
    throw new Refusal(ERROR.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.');
  }
  return placeReplicas(
    image,
    numPartitions === -1 ? context.defaultPartitions : numPartitions,
    replicationFactor === -1 ? context.defaultReplicationFactor : replicationFactor,
    context.random,
  );
}

function assignedReplicas(image: MetadataImage, topic: NewTopic): readonly (readonly number[])[] {
  const refuse = (code: number, why: string): never => {
    throw new Refusal(code, why);
  };
  const given = 'A manual partition assignment was specified, but';
  if (topic.replicationFactor !== -1) refuse(ERROR.INVALID_REQUEST, `${given} replication factor was not set to -1.`);
  if (topic.numPartitions !== -1) refuse(ERROR.INVALID_REQUEST, `${given} numPartitions was not set to -1.`);
  const replicas: (readonly number[])[] = [];
  let replicationFactor: number | undefined;
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (replicas[partitionIndex] !== undefined) {
      const why = `Found multiple manual partition assignments for partition ${partitionIndex}`;
      refuse(ERROR.INVALID_REPLICA_ASSIGNMENT, why);
    }
    checkAssignment(image, brokerIds, replicationFactor);
    replicationFactor = brokerIds.length;
    if (partitionIndex < 0 || partitionIndex >= topic.assignments.length) {
      refuse(ERROR.INVALID_REPLICA_ASSIGNMENT, 'partitions should be a consecutive 0-based integer sequence');
    }
    replicas[partitionIndex] = brokerIds;
  }
  return replicas;
}

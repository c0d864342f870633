/**
 * Metadata: brokers, topics, partitions and their leaders. Asking by name for a topic that does not exist creates it,
 * where client and config allow; the answer then has it already.
 * Invariant: an id that is unknown is never answered with another topic of the same name.
 */
import { ERROR, Metadata, type RequestOf, ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage, PartitionInfo, Topic } from '../controller/image.ts';
import { collisionKey, whyInvalidTopicName } from '../controller/topic-name.ts';
import { OFFSETS_TOPIC } from '../groups/offsets-topic.ts';
import { anyNodeId, brokerNodes } from './broker-nodes.ts';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';
import {
  ALL_CLUSTER_OPERATIONS,
  ALL_TOPIC_OPERATIONS,
  aliveLeader,
  isInternalTopic,
  OPERATIONS_NOT_ASKED,
  offlineReplicas,
} from './topic-description.ts';

type Request = RequestOf<typeof Metadata>;
type Reach = Pick<HandlerReach, 'image' | 'submit' | 'facts' | 'limits' | 'groups' | 'random'>;

type Listed = NonNullable<Request['topics']>;

/** In these versions a topic has an id, but cannot be asked for by it. */
const BY_ID_SINCE = 12;
/** From this version on the answer as a whole has an error code. */
const ERROR_OF_ALL_SINCE = 13;

export function createMetadataHandler(reach: Reach): Handler<typeof Metadata> {
  const { image } = reach;
  const answer = (request: Request, listener: ListenerName, version: number, refused: ReadonlyMap<string, number>) => {
    const brokers = brokerNodes(image, listener);
    return {
      brokers,
      clusterId: image.clusterId,
      controllerId: anyNodeId(brokers, reach.random),
      topics: topicsOf(request, image, version, refused),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? ALL_CLUSTER_OPERATIONS
        : OPERATIONS_NOT_ASKED,
    };
  };
  return {
    api: Metadata,
    handle(request, { version, source: { listener } }) {
      const refusal = refuse(request, version);
      if (refusal !== undefined) return refusal;
      const missing = missingNames(request, reach);
      if (missing.length === 0) return answer(request, listener, version, new Map());
      return createTopics(missing, reach).then((refused) => answer(request, listener, version, refused));
    },
  };
}

/**
 * Ids before their time, or neither id nor name: no topic is answered, with Kafka's code for each (its own failure to
 * cope with the latter included).
 */
function refuse({ topics }: Request, version: number) {
  const isNameless = ({ name, topicId }: Listed[number]): boolean => name === null && topicId === ZERO_UUID;
  const isEarly = (topic: Listed[number]): boolean =>
    version < BY_ID_SINCE && (topic.topicId !== ZERO_UUID || topic.name === null);
  if (topics === null) return undefined;
  const errorCode = topics.some(isEarly) ? ERROR.INVALID_REQUEST : ERROR.UNKNOWN_SERVER_ERROR;
  if (errorCode === ERROR.UNKNOWN_SERVER_ERROR && !topics.some(isNameless)) return undefined;
  const refused = topics.map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, partitions: [] }));
  const all = version >= ERROR_OF_ALL_SINCE ? { errorCode } : {};
  return { brokers: [], clusterId: null, controllerId: -1, topics: refused, ...all };
}

/** Names that are to be created, each once, as many as one request may create. */
function missingNames(request: Request, { image, facts, limits }: Reach): string[] {
  if (request.topics === null || !request.allowAutoTopicCreation || !facts.autoCreateTopics) return [];
  if (byId(request.topics)) return [];
  const names = request.topics.flatMap(({ name }) => (name === null || image.topicsByName.has(name) ? [] : name));
  return [...new Set(names)].slice(0, limits.maxAutoCreatedTopics);
}

/**
 * Error codes of those that could not be created. Always as a client: whoever merely asks for a copy on the internal
 * listener must not bring it into being.
 */
async function createTopics(names: readonly string[], { submit, groups }: Reach): Promise<Map<string, number>> {
  // The coordinator's topic comes with the configs that the coordinator gives it, whoever asks for it first.
  if (names.includes(OFFSETS_TOPIC)) await groups.prepare();
  const topics = names
    .filter((name) => name !== OFFSETS_TOPIC)
    .map((name) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [],
      configs: [],
    }));
  try {
    const result = await submit({ kind: 'createTopics', requester: 'client', validateOnly: false, topics });
    return new Map(result.topics.map(({ name, errorCode }) => [name, errorCode]));
  } catch (error) {
    // No controller in time: the topics are not there yet, and whoever asked asks again.
    if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    return new Map();
  }
}

/** One id makes a request go by ids alone: names beside it are not looked at, as in Kafka. */
function byId(topics: Listed): boolean {
  return topics.some(({ topicId }) => topicId !== ZERO_UUID);
}

function topicsOf(request: Request, image: MetadataImage, version: number, refused: ReadonlyMap<string, number>) {
  const { topics } = request;
  const operations = request.includeTopicAuthorizedOperations ? ALL_TOPIC_OPERATIONS : OPERATIONS_NOT_ASKED;
  if (topics === null || (version === 0 && topics.length === 0)) {
    return [...image.topicsByName.values()].map((topic) => describe(topic, image, operations));
  }
  if (byId(topics)) {
    const ids = new Set(topics.map(({ topicId }) => topicId));
    ids.delete(ZERO_UUID);
    return [...ids].map((id) => {
      const topic = image.topicsById.get(id);
      return topic === undefined ? unknownId(id) : describe(topic, image, operations);
    });
  }
  return [...new Set(topics.map(({ name }) => name ?? ''))].map((name) => {
    const topic = image.topicsByName.get(name);
    if (topic !== undefined) return describe(topic, image, operations);
    return unknownName(name, errorOf(name, image, refused.get(name)), operations);
  });
}

function describe(topic: Topic, image: MetadataImage, topicAuthorizedOperations: number) {
  return {
    errorCode: ERROR.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(partition, image)),
    topicAuthorizedOperations,
  };
}

function describePartition(partition: PartitionInfo, image: MetadataImage) {
  const leaderId = aliveLeader(partition, image);
  return {
    errorCode: leaderId === -1 ? ERROR.LEADER_NOT_AVAILABLE : ERROR.NONE,
    partitionIndex: partition.index,
    leaderId,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: offlineReplicas(partition, image),
  };
}

function unknownId(topicId: string) {
  return { errorCode: ERROR.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
}

function unknownName(name: string, errorCode: number, topicAuthorizedOperations: number) {
  const isInternal = isInternalTopic(name);
  return { errorCode, name, topicId: ZERO_UUID, isInternal, partitions: [], topicAuthorizedOperations };
}

/** A name that is none, or that was refused for more than its likeness to another topic's, is an invalid one. */
function errorOf(name: string, image: MetadataImage, refusal: number | undefined): number {
  if (whyInvalidTopicName(name) !== null) return ERROR.INVALID_TOPIC_EXCEPTION;
  const key = collisionKey(name);
  const isAlike = key !== undefined && image.namesByCollisionKey.has(key);
  const isReserved = refusal === ERROR.INVALID_TOPIC_EXCEPTION && !isAlike;
  return isReserved ? ERROR.INVALID_TOPIC_EXCEPTION : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
}

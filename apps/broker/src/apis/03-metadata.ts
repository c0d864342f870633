/**
 * Metadata: brokers, topics, partitions and their leaders. Asking by name for a topic that does not exist creates it,
 * where client and config allow; the answer then has it already.
 * Invariant: an id that is unknown is never answered with another topic of the same name.
 */
import { ERROR, Metadata, type RequestOf, ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage, PartitionInfo, Topic } from '../controller/image.ts';
import { whyInvalidTopicName } from '../controller/topic-name.ts';
import { brokerNodes } from './broker-nodes.ts';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';

type Request = RequestOf<typeof Metadata>;
type Reach = Pick<HandlerReach, 'image' | 'submit' | 'facts' | 'limits'>;

const INTERNAL_TOPICS = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state']);
/** Bit sets of all operations that exist on a topic and on the cluster: there are no ACLs on this broker. */
const ALL_TOPIC_OPERATIONS = 3576;
const ALL_CLUSTER_OPERATIONS = 8096;
const NOT_ASKED = -2147483648;

export function createMetadataHandler(reach: Reach): Handler<typeof Metadata> {
  const { image } = reach;
  const answer = (request: Request, listener: ListenerName, version: number, refused: ReadonlyMap<string, number>) => ({
    brokers: brokerNodes(image, listener),
    clusterId: image.clusterId,
    controllerId: image.controllerId,
    topics: topicsOf(request, image, version, refused),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? ALL_CLUSTER_OPERATIONS : NOT_ASKED,
  });
  return {
    api: Metadata,
    handle(request, { version, source: { listener } }) {
      const missing = missingNames(request, reach);
      if (missing.length === 0) return answer(request, listener, version, new Map());
      return createTopics(missing, reach).then((refused) => answer(request, listener, version, refused));
    },
  };
}

/** Names that are to be created, each once, as many as one request may create. */
function missingNames(request: Request, { image, facts, limits }: Reach): string[] {
  if (request.topics === null || !request.allowAutoTopicCreation || !facts.autoCreateTopics) return [];
  const names = request.topics.flatMap(({ name }) => (name === null || image.topicsByName.has(name) ? [] : name));
  return [...new Set(names)].slice(0, limits.maxAutoCreatedTopics);
}

/**
 * Error codes of those that could not be created. Always as a client: whoever merely asks for a copy on the internal
 * listener must not bring it into being.
 */
async function createTopics(names: readonly string[], { submit }: Reach): Promise<Map<string, number>> {
  const topics = names.map((name) => ({
    name,
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [],
    configs: [],
  }));
  const result = await submit({ kind: 'createTopics', requester: 'client', validateOnly: false, topics });
  return new Map(result.topics.map(({ name, errorCode }) => [name, errorCode]));
}

function topicsOf(request: Request, image: MetadataImage, version: number, refused: ReadonlyMap<string, number>) {
  const operations = request.includeTopicAuthorizedOperations ? ALL_TOPIC_OPERATIONS : NOT_ASKED;
  const isAll = request.topics === null || (version === 0 && request.topics.length === 0);
  if (isAll || request.topics === null) {
    return [...image.topicsByName.values()].map((topic) => describe(topic, image, operations));
  }
  const seen = new Set<string>();
  return request.topics.flatMap(({ name, topicId }) => {
    if (seen.size === seen.add(name ?? topicId).size) return [];
    const topic = name === null ? image.topicsById.get(topicId) : image.topicsByName.get(name);
    if (topic !== undefined) return describe(topic, image, operations);
    return name === null ? unknownId(topicId) : unknownName(name, refused.get(name));
  });
}

function describe(topic: Topic, image: MetadataImage, topicAuthorizedOperations: number) {
  return {
    errorCode: ERROR.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: INTERNAL_TOPICS.has(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(partition, image)),
    topicAuthorizedOperations,
  };
}

function describePartition(partition: PartitionInfo, image: MetadataImage) {
  return {
    errorCode: partition.leader === -1 ? ERROR.LEADER_NOT_AVAILABLE : ERROR.NONE,
    partitionIndex: partition.index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => image.brokers.get(id)?.fenced !== false),
  };
}

function unknownId(topicId: string) {
  return { errorCode: ERROR.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] };
}

function unknownName(name: string, refusal: number | undefined) {
  const isInvalid = whyInvalidTopicName(name) !== null || refusal === ERROR.INVALID_TOPIC_EXCEPTION;
  const errorCode = isInvalid ? ERROR.INVALID_TOPIC_EXCEPTION : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  return { errorCode, name, topicId: ZERO_UUID, partitions: [] };
}

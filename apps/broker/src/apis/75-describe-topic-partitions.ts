/**
 * DescribeTopicPartitions: topics in the order of their names, page by page. A page holds so many partitions; where it
 * breaks off, `nextCursor` says with which topic and partition the next one begins.
 */
import { DescribeTopicPartitions, ERROR, type RequestOf, type ResponseInput, ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage, Topic } from '../controller/image.ts';
import { whyInvalidTopicName } from '../controller/topic-name.ts';
import type { Handler, HandlerReach } from './handler.ts';
import {
  ALL_TOPIC_OPERATIONS,
  aliveLeader,
  isInternalTopic,
  OPERATIONS_NOT_ASKED,
  offlineReplicas,
} from './topic-description.ts';

type Request = RequestOf<typeof DescribeTopicPartitions>;
type Response = ResponseInput<typeof DescribeTopicPartitions>;
type Described = Response['topics'][number];
type Cursor = NonNullable<Request['cursor']>;

export function createDescribeTopicPartitionsHandler({
  image,
  limits,
}: Pick<HandlerReach, 'image' | 'limits'>): Handler<typeof DescribeTopicPartitions> {
  return {
    api: DescribeTopicPartitions,
    handle(request) {
      const { cursor, responsePartitionLimit } = request;
      const names = namesOf(request, image);
      if (cursor !== null && !isValid(cursor, request, names)) return refuse(request);
      const limit = Math.max(1, Math.min(limits.maxDescribedPartitions, responsePartitionLimit));
      const skipUnknown = request.topics.length === 0;
      return page(names, { image, cursor, limit, skipUnknown });
    },
  };
}

/** Each name once, in order, from the cursor's on. */
function namesOf({ topics, cursor }: Request, image: MetadataImage): string[] {
  const all = topics.length === 0 ? image.topicsByName.keys() : topics.map(({ name }) => name);
  const from = cursor?.topicName ?? '';
  return [...new Set(all)].filter((name) => name >= from).sort((a, b) => (a < b ? -1 : 1));
}

/** A cursor must name a topic of the request's list, if there is one. */
function isValid(cursor: Cursor, { topics }: Request, names: readonly string[]): boolean {
  return cursor.partitionIndex >= 0 && (topics.length === 0 || names[0] === cursor.topicName);
}

function refuse({ topics }: Request): Response {
  return {
    topics: topics.map(({ name }) => ({
      errorCode: ERROR.INVALID_REQUEST,
      name,
      topicId: ZERO_UUID,
      partitions: [],
      topicAuthorizedOperations: OPERATIONS_NOT_ASKED,
    })),
  };
}

function page(
  names: readonly string[],
  options: { image: MetadataImage; cursor: Cursor | null; limit: number; skipUnknown: boolean },
): Response {
  const { image, cursor, limit, skipUnknown } = options;
  const topics: Described[] = [];
  let left = limit;
  for (const name of names) {
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
    const topic = image.topicsByName.get(name);
    if (topic === undefined) {
      if (!skipUnknown) topics.push(unknown(name));
      continue;
    }
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0;
    const to = Math.min(topic.partitions.length, from + left);
    const described = describe(topic, from, to, image);
    topics.push(described);
    if (to < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: to } };
    left -= described.partitions.length;
  }
  return { topics };
}

function unknown(name: string): Described {
  const isInvalid = whyInvalidTopicName(name) !== null;
  return {
    errorCode: isInvalid ? ERROR.INVALID_TOPIC_EXCEPTION : ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: ALL_TOPIC_OPERATIONS,
  };
}

function describe(topic: Topic, from: number, to: number, image: MetadataImage): Described {
  return {
    errorCode: ERROR.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.slice(from, to).map((partition) => ({
      errorCode: ERROR.NONE,
      partitionIndex: partition.index,
      leaderId: aliveLeader(partition, image),
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: partition.replicas,
      isrNodes: partition.isr,
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
      lastKnownElr: partition.lastKnownElr,
      offlineReplicas: offlineReplicas(partition, image),
    })),
    topicAuthorizedOperations: ALL_TOPIC_OPERATIONS,
  };
}

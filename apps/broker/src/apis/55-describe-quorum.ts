/**
 * DescribeQuorum: who votes on the metadata log and how far each voter has come. Of one voter, that is the leader itself,
 * which is always caught up with itself.
 */
import { DescribeQuorum, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import { CLUSTER_METADATA_TOPIC } from '../controller/topic-name.ts';
import { ENDPOINT_NAMES } from './broker-nodes.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof DescribeQuorum>;
type Response = ResponseInput<typeof DescribeQuorum>;

/** From this version on there are messages, directory ids and nodes. */
const NODES_SINCE = 2;

export function createDescribeQuorumHandler(
  reach: Pick<HandlerReach, 'image' | 'quorum' | 'now' | 'facts'>,
): Handler<typeof DescribeQuorum> {
  return {
    api: DescribeQuorum,
    handle(request, { version }) {
      const message = version >= NODES_SINCE ? '' : null;
      if (!asksForMetadataLog(request)) return refuse(request, version);
      const partition = describe(reach, version);
      return {
        errorCode: ERROR.NONE,
        errorMessage: message,
        topics: [{ topicName: CLUSTER_METADATA_TOPIC, partitions: [{ ...partition, errorMessage: message }] }],
        nodes: version >= NODES_SINCE ? nodesOf(reach) : [],
      };
    },
  };
}

function asksForMetadataLog({ topics }: Request): boolean {
  const [topic] = topics;
  if (topics.length !== 1 || topic?.topicName !== CLUSTER_METADATA_TOPIC) return false;
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0;
}

/** Whatever else is asked for, there is no quorum for it: each partition says so. */
function refuse({ topics }: Request, version: number): Response {
  const why = 'This server does not host this topic-partition.';
  return {
    errorCode: ERROR.NONE,
    errorMessage: version >= NODES_SINCE ? '' : null,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: version >= NODES_SINCE ? why : null,
        leaderId: 0,
        leaderEpoch: 0,
        highWatermark: 0,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  };
}

function describe({ quorum, now, facts }: Pick<HandlerReach, 'quorum' | 'now' | 'facts'>, version: number) {
  const { leaderEpoch, highWatermark, endOffset, directoryId } = quorum();
  const nowMs = now();
  const voter = {
    replicaId: facts.nodeId,
    ...(version >= NODES_SINCE && { replicaDirectoryId: directoryId }),
    logEndOffset: endOffset,
    lastFetchTimestamp: nowMs,
    lastCaughtUpTimestamp: nowMs,
  };
  return {
    partitionIndex: 0,
    errorCode: ERROR.NONE,
    leaderId: facts.nodeId,
    leaderEpoch,
    highWatermark,
    currentVoters: [voter],
    observers: [],
  };
}

/** Controllers speak on the brokers' internal listener. */
function nodesOf({ image, facts }: Pick<HandlerReach, 'image' | 'facts'>) {
  const endpoints = image.brokers.get(facts.nodeId)?.endpoints ?? [];
  const internal = endpoints.filter(({ name }) => name === ENDPOINT_NAMES.internal);
  return [{ nodeId: facts.nodeId, listeners: internal.map(({ name, host, port }) => ({ name, host, port })) }];
}

/**
 * DescribeQuorum: who votes on the metadata log, who observes, and how far each has come. Only the active controller knows:
 * elsewhere the request is handed on to it, and one that comes all the same is told so.
 */
import { DescribeQuorum, ERROR, type RequestOf, type ResponseInput } from '@meridian/protocol';
import { CLUSTER_METADATA_TOPIC } from '../controller/topic-name.ts';
import type { QuorumDescription } from '../quorum/quorum-node.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Request = RequestOf<typeof DescribeQuorum>;
type Response = ResponseInput<typeof DescribeQuorum>;
type Partition = Response['topics'][number]['partitions'][number];

/** From this version on there are messages, directory ids and nodes. */
const NODES_SINCE = 2;
const NOT_HOSTED = 'This server does not host this topic-partition.';
const NOT_LEADER =
  'For requests intended only for the leader, this error indicates that the broker is not the current leader.';

export function createDescribeQuorumHandler({ quorum }: Pick<HandlerReach, 'quorum'>): Handler<typeof DescribeQuorum> {
  return {
    api: DescribeQuorum,
    handle(request, { version }) {
      const hasNodes = version >= NODES_SINCE;
      if (!asksForMetadataLog(request)) {
        return answer(request, hasNodes, (index) =>
          refuse(index, ERROR.UNKNOWN_TOPIC_OR_PARTITION, NOT_HOSTED, hasNodes),
        );
      }
      const described = quorum();
      if (described.progress.length === 0) {
        return answer(request, hasNodes, (index) => refuse(index, ERROR.NOT_LEADER_OR_FOLLOWER, NOT_LEADER, hasNodes));
      }
      const nodes = hasNodes ? nodesOf(described) : [];
      return { ...answer(request, hasNodes, () => describe(described, hasNodes)), nodes };
    },
  };
}

function asksForMetadataLog({ topics }: Request): boolean {
  const [topic] = topics;
  if (topics.length !== 1 || topic?.topicName !== CLUSTER_METADATA_TOPIC) return false;
  return topic.partitions.length === 1 && topic.partitions[0]!.partitionIndex === 0;
}

function answer({ topics }: Request, hasNodes: boolean, describe: (index: number) => Partition): Response {
  return {
    errorCode: ERROR.NONE,
    errorMessage: hasNodes ? '' : null,
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => describe(partitionIndex)),
    })),
    nodes: [],
  };
}

function refuse(partitionIndex: number, errorCode: number, why: string, hasNodes: boolean): Partition {
  return {
    partitionIndex,
    errorCode,
    errorMessage: hasNodes ? why : null,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}

function describe({ leaderId, leaderEpoch, highWatermark, progress }: QuorumDescription, hasNodes: boolean): Partition {
  const replicas = (voters: boolean) =>
    progress
      .filter(({ isVoter }) => isVoter === voters)
      .map(({ id, directoryId, logEndOffset, lastFetchTimestamp, lastCaughtUpTimestamp }) => ({
        replicaId: id,
        ...(hasNodes && { replicaDirectoryId: directoryId }),
        logEndOffset,
        lastFetchTimestamp,
        lastCaughtUpTimestamp,
      }));
  return {
    partitionIndex: 0,
    errorCode: ERROR.NONE,
    errorMessage: hasNodes ? '' : null,
    leaderId,
    leaderEpoch,
    highWatermark,
    currentVoters: replicas(true),
    observers: replicas(false),
  };
}

/** Controllers speak on the internal listener. */
function nodesOf({ voters }: QuorumDescription): Response['nodes'] {
  return voters.map(({ id, endpoints }) => ({
    nodeId: id,
    listeners: endpoints.map(({ name, host, port }) => ({ name, host, port })),
  }));
}

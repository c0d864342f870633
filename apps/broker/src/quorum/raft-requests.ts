/**
 * Requests of the quorum from the wire: taken for the machine, or refused where Apache Kafka refuses them whatever its state
 * is (a foreign cluster, another partition, offsets and epochs that cannot be). Called by `raft-wire.ts`.
 * Invariant: what is refused has not touched the machine.
 */
import type {
  AddRaftVoter,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  Fetch,
  FetchSnapshot,
  RemoveRaftVoter,
  RequestOf,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import { type RaftError, type RaftRequest, type ReplicaKey, UNKNOWN_DIRECTORY, type Voter } from '@meridian/quorum';
import {
  isForeign,
  METADATA_PARTITION,
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  type NodeEndpoint,
  onlyNamed,
  onlyPartition,
  type RaftView,
} from './raft-view.ts';

/** Of all of the request, or of its one partition. */
export type Refusal =
  | {
      readonly kind: 'refused';
      readonly error: 'INCONSISTENT_CLUSTER_ID' | 'INVALID_REQUEST' | 'BROKER_NOT_AVAILABLE';
      readonly message?: string;
    }
  | { readonly kind: 'partitionRefused'; readonly error: RaftError }
  | { readonly kind: 'unknownPartition'; readonly topic: string; readonly partition: number };

/** For the machine; `leader`: where the leader that speaks says that it is found. */
export interface TakenRequest {
  readonly kind: 'request';
  readonly request: RaftRequest;
  readonly leader?: NodeEndpoint | undefined;
}

/** The shell first asks the new voter at its endpoints for its versions; `addVoterRequest` makes a request of that. */
export interface AskedVoter {
  readonly kind: 'addVoter';
  readonly voter: Pick<Voter, 'id' | 'directoryId' | 'endpoints'>;
  readonly timeoutMs: number;
  readonly ackWhenCommitted: boolean;
}

export type Taken = TakenRequest | AskedVoter | Refusal;

const FOREIGN = { kind: 'refused', error: 'INCONSISTENT_CLUSTER_ID' } as const;
const INVALID = { kind: 'refused', error: 'INVALID_REQUEST' } as const;
const INVALID_PARTITION: Refusal = { kind: 'partitionRefused', error: 'INVALID_REQUEST' };

const take = (request: RaftRequest): TakenRequest => ({ kind: 'request', request });
/** Version 0 of a request does not say whom it is meant for: then it is us. */
const voterOr = (self: ReplicaKey, id: number, directoryId: string): ReplicaKey =>
  id < 0 ? self : { id, directoryId };

export function takeVote(body: RequestOf<typeof Vote>, view: RaftView): Taken {
  if (isForeign(view, body.clusterId)) return FOREIGN;
  const asked = onlyNamed(body.topics);
  if (asked === undefined) return INVALID;
  const { replicaEpoch: epoch, lastOffsetEpoch, lastOffset, preVote } = asked;
  // Who stands has begun a new epoch; who asks whether it should has not.
  const isLogAhead = preVote ? lastOffsetEpoch > epoch : lastOffsetEpoch >= epoch;
  if (lastOffset < 0 || lastOffsetEpoch < 0 || isLogAhead) return INVALID_PARTITION;
  if (epoch >= view.epoch && asked.replicaId < 0) return INVALID_PARTITION;
  return take({
    api: 'Vote',
    epoch,
    candidate: { id: asked.replicaId, directoryId: asked.replicaDirectoryId },
    voter: voterOr(view.self, body.voterId, asked.voterDirectoryId),
    last: { offset: lastOffset, epoch: lastOffsetEpoch },
    preVote,
  });
}

export function takeBegin(body: RequestOf<typeof BeginQuorumEpoch>, view: RaftView): Taken {
  if (isForeign(view, body.clusterId)) return FOREIGN;
  const asked = onlyNamed(body.topics);
  if (asked === undefined) return INVALID;
  const { leaderId, leaderEpoch: epoch } = asked;
  if (epoch >= view.epoch && leaderId < 0) return INVALID_PARTITION;
  const voter = voterOr(view.self, body.voterId, asked.voterDirectoryId);
  const request = { api: 'BeginQuorumEpoch', epoch, leaderId, voter } as const;
  return { kind: 'request', request, leader: foundAt(leaderId, body.leaderEndpoints, view) };
}

export function takeEnd(body: RequestOf<typeof EndQuorumEpoch>, view: RaftView): Taken {
  if (isForeign(view, body.clusterId)) return FOREIGN;
  const asked = onlyNamed(body.topics);
  if (asked === undefined) return INVALID;
  const { leaderId, leaderEpoch: epoch, preferredCandidates, preferredSuccessors } = asked;
  if (epoch >= view.epoch && leaderId < 0) return INVALID_PARTITION;
  const named = preferredCandidates.map((each) => ({ id: each.candidateId, directoryId: each.candidateDirectoryId }));
  const ids = preferredSuccessors.map((id) => ({ id, directoryId: UNKNOWN_DIRECTORY }));
  const successors = named.length > 0 ? named : ids;
  const request = { api: 'EndQuorumEpoch', epoch, leaderId, preferredSuccessors: successors } as const;
  return { kind: 'request', request, leader: foundAt(leaderId, body.leaderEndpoints, view) };
}

export function takeFetch(body: RequestOf<typeof Fetch>, view: RaftView): Taken {
  if (isForeign(view, body.clusterId)) return FOREIGN;
  const asked = onlyPartition(
    body.topics,
    ({ topicId }) => topicId === METADATA_TOPIC_ID,
    ({ partition }) => partition,
  );
  if (asked === undefined) return INVALID;
  const { fetchOffset, lastFetchedEpoch, currentLeaderEpoch: epoch, highWatermark } = asked;
  const isPossible = body.maxWaitMs >= 0 && fetchOffset >= 0 && lastFetchedEpoch >= 0 && lastFetchedEpoch <= epoch;
  if (!isPossible) return INVALID_PARTITION;
  const id = body.replicaState.replicaId >= 0 ? body.replicaState.replicaId : body.replicaId;
  const replica = { id, directoryId: asked.replicaDirectoryId };
  const { maxWaitMs } = body;
  return take({ api: 'Fetch', replica, epoch, fetchOffset, lastFetchedEpoch, highWatermark, maxWaitMs });
}

/** An empty list is refused; Apache Kafka 4.3.1 looks at its first element, and its controller ends. */
export function takeFetchSnapshot(body: RequestOf<typeof FetchSnapshot>, view: RaftView): Taken {
  if (isForeign(view, body.clusterId)) return FOREIGN;
  const [topic] = body.topics;
  const [asked] = topic?.partitions ?? [];
  if (topic === undefined || asked === undefined || body.topics.length + topic.partitions.length > 2) return INVALID;
  if (topic.name !== METADATA_TOPIC || asked.partition !== METADATA_PARTITION) {
    return { kind: 'unknownPartition', topic: topic.name, partition: asked.partition };
  }
  const { currentLeaderEpoch: epoch, snapshotId, position } = asked;
  return take({
    api: 'FetchSnapshot',
    replica: { id: body.replicaId, directoryId: asked.replicaDirectoryId },
    epoch,
    snapshot: { offset: snapshotId.endOffset, epoch: snapshotId.epoch },
    position,
  });
}

export function takeAddVoter(body: RequestOf<typeof AddRaftVoter>, view: RaftView): Taken {
  const refusal = whyNotChanged(body, view, view.epoch) ?? whyNotFound(body, view);
  if (refusal !== undefined) return refusal;
  const { voterId: id, voterDirectoryId: directoryId, listeners: endpoints, timeoutMs, ackWhenCommitted } = body;
  return { kind: 'addVoter', voter: { id, directoryId, endpoints }, timeoutMs, ackWhenCommitted };
}

/** `timeoutMs`: the request has none of its own. */
export function takeRemoveVoter(body: RequestOf<typeof RemoveRaftVoter>, view: RaftView, timeoutMs: number): Taken {
  const refusal = whyNotChanged(body, view, view.epoch);
  if (refusal !== undefined) return refusal;
  const voter = { id: body.voterId, directoryId: body.voterDirectoryId };
  return take({ api: 'RemoveRaftVoter', voter, timeoutMs });
}

export function takeUpdateVoter(body: RequestOf<typeof UpdateRaftVoter>, view: RaftView, timeoutMs: number): Taken {
  const { currentLeaderEpoch: epoch, kRaftVersionFeature } = body;
  const { minSupportedVersion: minKraftVersion, maxSupportedVersion: maxKraftVersion } = kRaftVersionFeature;
  const refusal = whyNotChanged(body, view, epoch) ?? whyNotFound(body, view);
  if (refusal !== undefined) return refusal;
  if (minKraftVersion < 0 || maxKraftVersion < minKraftVersion) return INVALID;
  const key = { id: body.voterId, directoryId: body.voterDirectoryId };
  const voter = { ...key, endpoints: body.listeners, minKraftVersion, maxKraftVersion };
  return take({ api: 'UpdateRaftVoter', epoch, voter, timeoutMs });
}

interface ChangeBody {
  readonly clusterId: string | null;
  readonly voterId: number;
  readonly voterDirectoryId: string;
}

/** In Kafka's order: the cluster, the leader, the voter. */
function whyNotChanged(body: ChangeBody, view: RaftView, epoch: number): Refusal | undefined {
  if (isForeign(view, body.clusterId)) {
    return { ...FOREIGN, message: `Cluster ${body.clusterId} is not this one, ${view.clusterId}.` };
  }
  if (epoch < view.epoch) return { kind: 'partitionRefused', error: 'FENCED_LEADER_EPOCH' };
  if (epoch > view.epoch) return { kind: 'partitionRefused', error: 'UNKNOWN_LEADER_EPOCH' };
  if (view.leaderId !== view.self.id) return { kind: 'partitionRefused', error: 'NOT_LEADER_OR_FOLLOWER' };
  if (body.voterId >= 0 && body.voterDirectoryId !== UNKNOWN_DIRECTORY) return undefined;
  return { ...INVALID, message: 'A voter is named by its node id and its directory id.' };
}

function whyNotFound(
  { listeners }: { listeners: Voter['endpoints'] },
  { listenerName }: RaftView,
): Refusal | undefined {
  if (listeners.some(({ name }) => name === listenerName)) return undefined;
  return { ...INVALID, message: `A voter needs an endpoint of the listener ${listenerName}.` };
}

function foundAt(nodeId: number, endpoints: Voter['endpoints'], { listenerName }: RaftView): NodeEndpoint | undefined {
  const found = endpoints.find(({ name }) => name === listenerName);
  return found === undefined ? undefined : { nodeId, host: found.host, port: found.port };
}

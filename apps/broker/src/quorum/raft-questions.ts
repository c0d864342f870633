/**
 * Requests of the quorum as its machine sends them, made into the bodies of Kafka's APIs. Called by `raft-wire.ts`.
 * Invariant: a body says all that the machine said, or cannot be encoded in the version that the peer speaks.
 */
import {
  type Api,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  Fetch,
  FetchSnapshot,
  type RequestInput,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import type {
  BeginQuorumEpochRequest,
  EndQuorumEpochRequest,
  FetchRequest,
  FetchSnapshotRequest,
  RaftRequest,
  UpdateVoterRequest,
  VoteRequest,
  VoterEndpoint,
} from '@meridian/quorum';
import { METADATA_PARTITION, METADATA_TOPIC, METADATA_TOPIC_ID } from './raft-view.ts';

/** What a node says of itself when it asks. */
export interface Asking {
  readonly clusterId: string;
  /** Where it is found by other controllers: a leader tells the voters. */
  readonly endpoints: readonly VoterEndpoint[];
  readonly maxBytes: number;
}

/** Of this version on, a fetcher names itself in a struct. */
const REPLICA_STATE_SINCE = 15;
const NO_BROKER_EPOCH = -1;

export interface Question<A extends Api = Api> {
  readonly api: A;
  readonly body: unknown;
}

/** AddRaftVoter and RemoveRaftVoter are asked by administrators, never by the machine. */
export type SentRequest = Exclude<RaftRequest, { api: 'AddRaftVoter' | 'RemoveRaftVoter' }>;

/** `version` is what the peer speaks. */
export function questionOf(request: SentRequest, version: number, asking: Asking): Question {
  switch (request.api) {
    case 'Vote':
      return { api: Vote, body: voteBody(request, asking) };
    case 'BeginQuorumEpoch':
      return { api: BeginQuorumEpoch, body: beginBody(request, asking) };
    case 'EndQuorumEpoch':
      return { api: EndQuorumEpoch, body: endBody(request, asking) };
    case 'Fetch':
      return { api: Fetch, body: fetchBody(request, version, asking) };
    case 'FetchSnapshot':
      return { api: FetchSnapshot, body: fetchSnapshotBody(request, asking) };
    case 'UpdateRaftVoter':
      return { api: UpdateRaftVoter, body: updateVoterBody(request, asking) };
  }
}

const named = <P>(partition: P) => [{ topicName: METADATA_TOPIC, partitions: [partition] }];

function voteBody(request: VoteRequest, { clusterId }: Asking): RequestInput<typeof Vote> {
  const { epoch, candidate, voter, last, preVote } = request;
  const partition = {
    partitionIndex: METADATA_PARTITION,
    replicaEpoch: epoch,
    replicaId: candidate.id,
    replicaDirectoryId: candidate.directoryId,
    voterDirectoryId: voter.directoryId,
    lastOffsetEpoch: last.epoch,
    lastOffset: last.offset,
    preVote,
  };
  return { clusterId, voterId: voter.id, topics: named(partition) };
}

function beginBody(request: BeginQuorumEpochRequest, asking: Asking): RequestInput<typeof BeginQuorumEpoch> {
  const { epoch, leaderId, voter } = request;
  const partition = {
    partitionIndex: METADATA_PARTITION,
    voterDirectoryId: voter.directoryId,
    leaderId,
    leaderEpoch: epoch,
  };
  return {
    clusterId: asking.clusterId,
    voterId: voter.id,
    topics: named(partition),
    leaderEndpoints: asking.endpoints,
  };
}

function endBody(request: EndQuorumEpochRequest, asking: Asking): RequestInput<typeof EndQuorumEpoch> {
  const { epoch, leaderId, preferredSuccessors } = request;
  const partition = {
    partitionIndex: METADATA_PARTITION,
    leaderId,
    leaderEpoch: epoch,
    preferredSuccessors: preferredSuccessors.map(({ id }) => id),
    preferredCandidates: preferredSuccessors.map(({ id, directoryId }) => ({
      candidateId: id,
      candidateDirectoryId: directoryId,
    })),
  };
  return { clusterId: asking.clusterId, topics: named(partition), leaderEndpoints: asking.endpoints };
}

function fetchBody(request: FetchRequest, version: number, asking: Asking): RequestInput<typeof Fetch> {
  const { id: replicaId, directoryId: replicaDirectoryId } = request.replica;
  const who =
    version >= REPLICA_STATE_SINCE ? { replicaState: { replicaId, replicaEpoch: NO_BROKER_EPOCH } } : { replicaId };
  const partition = {
    partition: METADATA_PARTITION,
    currentLeaderEpoch: request.epoch,
    fetchOffset: request.fetchOffset,
    lastFetchedEpoch: request.lastFetchedEpoch,
    partitionMaxBytes: asking.maxBytes,
    replicaDirectoryId,
    highWatermark: request.highWatermark,
  };
  return {
    clusterId: asking.clusterId,
    ...who,
    maxWaitMs: request.maxWaitMs,
    minBytes: 0,
    maxBytes: asking.maxBytes,
    topics: [{ topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partitions: [partition] }],
  };
}

function fetchSnapshotBody(request: FetchSnapshotRequest, asking: Asking): RequestInput<typeof FetchSnapshot> {
  const { id, directoryId } = request.replica;
  const partition = {
    partition: METADATA_PARTITION,
    currentLeaderEpoch: request.epoch,
    snapshotId: { endOffset: request.snapshot.offset, epoch: request.snapshot.epoch },
    position: request.position,
    replicaDirectoryId: directoryId,
  };
  return {
    clusterId: asking.clusterId,
    replicaId: id,
    maxBytes: asking.maxBytes,
    topics: [{ name: METADATA_TOPIC, partitions: [partition] }],
  };
}

function updateVoterBody(request: UpdateVoterRequest, asking: Asking): RequestInput<typeof UpdateRaftVoter> {
  const { voter, epoch } = request;
  return {
    clusterId: asking.clusterId,
    currentLeaderEpoch: epoch,
    voterId: voter.id,
    voterDirectoryId: voter.directoryId,
    listeners: voter.endpoints,
    kRaftVersionFeature: { minSupportedVersion: voter.minKraftVersion, maxSupportedVersion: voter.maxKraftVersion },
  };
}

/**
 * Answers of the quorum's machine, made into the bodies of Kafka's APIs, and the refusals of requests that never came to it.
 * Called by `raft-wire.ts`.
 * Invariant: every answer that names a leader says where it is found, in the versions that can, if that is known.
 */
import {
  type BeginQuorumEpoch,
  ERROR,
  type Fetch,
  type FetchSnapshot,
  type RemoveRaftVoter,
  type ResponseInput,
  type UpdateRaftVoter,
  type Vote,
} from '@meridian/protocol';
import type { FetchResponse, FetchSnapshotResponse, PlainResponse, RaftRequest, VoteResponse } from '@meridian/quorum';
import type { Refusal } from './raft-requests.ts';
import {
  codeOf,
  leaderEndpoints,
  METADATA_PARTITION,
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  type RaftView,
} from './raft-view.ts';

/** Versions from which on answers say where the leader is. */
const ENDPOINTS_SINCE = { Vote: 1, BeginQuorumEpoch: 1, EndQuorumEpoch: 1, FetchSnapshot: 1, Fetch: 17 } as const;

/** What of the log goes with an answer to a Fetch. */
export interface FetchedLog {
  readonly records: readonly Buffer[];
  readonly logStartOffset: number;
}

function endpointsFor(api: keyof typeof ENDPOINTS_SINCE, version: number, view: RaftView, leaderId: number) {
  return version >= ENDPOINTS_SINCE[api] ? leaderEndpoints(view, leaderId) : [];
}

export function voteAnswer(response: VoteResponse, version: number, view: RaftView): ResponseInput<typeof Vote> {
  const { leaderId, epoch: leaderEpoch, granted: voteGranted } = response;
  const place = { partitionIndex: METADATA_PARTITION, errorCode: codeOf(response.error) };
  return {
    errorCode: ERROR.NONE,
    topics: [{ topicName: METADATA_TOPIC, partitions: [{ ...place, leaderId, leaderEpoch, voteGranted }] }],
    nodeEndpoints: endpointsFor('Vote', version, view, leaderId),
  };
}

/** BeginQuorumEpoch and EndQuorumEpoch are answered alike. */
export function epochAnswer(
  response: PlainResponse & { readonly api: 'BeginQuorumEpoch' | 'EndQuorumEpoch' },
  version: number,
  view: RaftView,
): ResponseInput<typeof BeginQuorumEpoch> {
  const { leaderId, epoch: leaderEpoch } = response;
  const place = { partitionIndex: METADATA_PARTITION, errorCode: codeOf(response.error) };
  return {
    errorCode: ERROR.NONE,
    topics: [{ topicName: METADATA_TOPIC, partitions: [{ ...place, leaderId, leaderEpoch }] }],
    nodeEndpoints: endpointsFor(response.api, version, view, leaderId),
  };
}

export function fetchAnswer(
  response: FetchResponse,
  version: number,
  view: RaftView,
  { records, logStartOffset }: FetchedLog,
): ResponseInput<typeof Fetch> {
  const { leaderId, epoch: leaderEpoch, highWatermark, diverging, snapshot } = response;
  const partition = {
    partitionIndex: METADATA_PARTITION,
    errorCode: codeOf(response.error),
    highWatermark,
    logStartOffset,
    divergingEpoch: diverging && { epoch: diverging.epoch, endOffset: diverging.offset },
    currentLeader: { leaderId, leaderEpoch },
    snapshotId: snapshot && { endOffset: snapshot.offset, epoch: snapshot.epoch },
    abortedTransactions: [],
    records,
  };
  return {
    errorCode: ERROR.NONE,
    responses: [{ topic: METADATA_TOPIC, topicId: METADATA_TOPIC_ID, partitions: [partition] }],
    nodeEndpoints: endpointsFor('Fetch', version, view, leaderId),
  };
}

export function fetchSnapshotAnswer(
  response: FetchSnapshotResponse,
  version: number,
  view: RaftView,
): ResponseInput<typeof FetchSnapshot> {
  const { leaderId, epoch: leaderEpoch, snapshot, sizeInBytes, position, bytes } = response;
  const partition = {
    index: METADATA_PARTITION,
    errorCode: codeOf(response.error),
    snapshotId: { endOffset: snapshot.offset, epoch: snapshot.epoch },
    currentLeader: { leaderId, leaderEpoch },
    size: sizeInBytes,
    position,
    unalignedRecords: [Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
  };
  return {
    errorCode: ERROR.NONE,
    topics: [{ name: METADATA_TOPIC, partitions: [partition] }],
    nodeEndpoints: endpointsFor('FetchSnapshot', version, view, leaderId),
  };
}

/** AddRaftVoter and RemoveRaftVoter, which administrators read. */
export function changeAnswer({ error, message }: PlainResponse): ResponseInput<typeof RemoveRaftVoter> {
  return { errorCode: codeOf(error), errorMessage: message ?? null };
}

export function updateAnswer(
  errorCode: number,
  leader: PlainLeader,
  view: RaftView,
): ResponseInput<typeof UpdateRaftVoter> {
  const [found] = leaderEndpoints(view, leader.leaderId);
  const { host, port } = found ?? { host: '', port: 0 };
  return { errorCode, currentLeader: { leaderId: leader.leaderId, leaderEpoch: leader.epoch, host, port } };
}

type PlainLeader = Pick<PlainResponse, 'leaderId' | 'epoch'>;

/** The body that says why a request was not taken. */
export function refusalAnswer(api: RaftRequest['api'], refusal: Refusal, version: number, view: RaftView): unknown {
  if (refusal.kind === 'unknownPartition') return unknownAnswer(refusal, version, view);
  const errorCode = ERROR[refusal.error];
  if (api === 'UpdateRaftVoter') return updateAnswer(errorCode, view, view);
  if (api === 'AddRaftVoter' || api === 'RemoveRaftVoter') {
    return { errorCode, errorMessage: refusal.kind === 'refused' ? (refusal.message ?? null) : null };
  }
  if (refusal.kind === 'refused') return api === 'Fetch' ? { errorCode, responses: [] } : { errorCode, topics: [] };
  const { epoch, leaderId } = view;
  const { error } = refusal;
  switch (api) {
    case 'Vote':
      return voteAnswer({ api, error, epoch, leaderId, granted: false }, version, view);
    case 'Fetch':
      return fetchAnswer({ api, error, epoch, leaderId, highWatermark: -1, batches: [] }, version, view, NO_LOG);
    case 'FetchSnapshot':
      return fetchSnapshotAnswer({ api, error, epoch, leaderId, ...NO_SNAPSHOT }, version, view);
    default:
      return epochAnswer({ api, error, epoch, leaderId }, version, view);
  }
}

const NO_LOG: FetchedLog = { records: [], logStartOffset: -1 };
const NO_SNAPSHOT = { snapshot: { offset: 0, epoch: 0 }, sizeInBytes: 0, position: 0, bytes: new Uint8Array(0) };

/** A snapshot was asked for of a partition that is not the metadata's. */
function unknownAnswer(
  { topic: name, partition: index }: Extract<Refusal, { kind: 'unknownPartition' }>,
  version: number,
  view: RaftView,
): ResponseInput<typeof FetchSnapshot> {
  const partition = {
    index,
    errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    snapshotId: { endOffset: 0, epoch: 0 },
    size: 0,
    position: 0,
    unalignedRecords: [],
  };
  return {
    errorCode: ERROR.NONE,
    topics: [{ name, partitions: [partition] }],
    nodeEndpoints: endpointsFor('FetchSnapshot', version, view, view.leaderId),
  };
}

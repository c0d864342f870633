/**
 * Answers of other nodes to what we sent them, taken for the quorum's machine. Called by `raft-wire.ts`.
 * Invariant: an answer that is not about our partition, or that nobody could have meant, never comes to the machine: for it
 * the request has failed, and is sent again.
 */
import {
  type BeginQuorumEpoch,
  ERROR,
  errorName,
  type Fetch,
  type FetchSnapshot,
  ProtocolError,
  type ResponseOf,
  type UpdateRaftVoter,
  type Vote,
} from '@meridian/protocol';
import { RecordBatchError } from '@meridian/protocol/record-batch';
import type { FetchResponse, OffsetAndEpoch, RaftError, RaftResponse } from '@meridian/quorum';
import {
  METADATA_TOPIC,
  METADATA_TOPIC_ID,
  type NodeEndpoint,
  onlyNamed,
  onlyPartition,
  raftErrorOf,
} from './raft-view.ts';
import { fetchedBatches } from './voters-record.ts';

export type Reply =
  /** `leader`: where the leader that it names is found. */
  | { readonly kind: 'response'; readonly response: RaftResponse; readonly leader: NodeEndpoint | undefined }
  | { readonly kind: 'failed'; readonly why: string };

interface Leader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

const failed = (why: string): Reply => ({ kind: 'failed', why });
const NOT_OURS = failed(`it is not about ${METADATA_TOPIC}`);

/** What all answers have in common: undefined if the machine could do nothing with it. */
function common(partitionCode: number, { leaderId, leaderEpoch: epoch }: Leader) {
  const error: RaftError | undefined = raftErrorOf(partitionCode);
  return error === undefined ? undefined : { error, epoch, leaderId };
}

const reply = (response: RaftResponse, endpoints: readonly NodeEndpoint[] = []): Reply => {
  const found = endpoints.find(({ nodeId }) => nodeId === response.leaderId);
  return { kind: 'response', response, leader: found && { nodeId: found.nodeId, host: found.host, port: found.port } };
};

export function voteReply(body: ResponseOf<typeof Vote>): Reply {
  if (body.errorCode !== ERROR.NONE) return failed(errorName(body.errorCode));
  const told = onlyNamed(body.topics);
  if (told === undefined) return NOT_OURS;
  const answer = common(told.errorCode, told);
  if (answer === undefined) return failed(errorName(told.errorCode));
  return reply({ api: 'Vote', ...answer, granted: told.voteGranted }, body.nodeEndpoints);
}

export function epochReply(
  api: 'BeginQuorumEpoch' | 'EndQuorumEpoch',
  body: ResponseOf<typeof BeginQuorumEpoch>,
): Reply {
  if (body.errorCode !== ERROR.NONE) return failed(errorName(body.errorCode));
  const told = onlyNamed(body.topics);
  if (told === undefined) return NOT_OURS;
  const answer = common(told.errorCode, told);
  return answer === undefined ? failed(errorName(told.errorCode)) : reply({ api, ...answer }, body.nodeEndpoints);
}

export function fetchReply(body: ResponseOf<typeof Fetch>): Reply {
  if (body.errorCode !== ERROR.NONE) return failed(errorName(body.errorCode));
  const told = onlyPartition(
    body.responses,
    ({ topicId }) => topicId === METADATA_TOPIC_ID,
    ({ partitionIndex }) => partitionIndex,
  );
  if (told === undefined) return NOT_OURS;
  const answer = common(told.errorCode, told.currentLeader);
  if (answer === undefined) return failed(errorName(told.errorCode));
  const { divergingEpoch, snapshotId, highWatermark, records } = told;
  const empty: FetchResponse = { api: 'Fetch', ...answer, highWatermark, batches: [] };
  if (answer.error !== 'NONE') return reply(empty, body.nodeEndpoints);
  if (divergingEpoch.epoch >= 0) return placed(empty, 'diverging', divergingEpoch, body.nodeEndpoints);
  if (snapshotId.epoch >= 0 || snapshotId.endOffset >= 0)
    return placed(empty, 'snapshot', snapshotId, body.nodeEndpoints);
  try {
    return reply({ ...empty, batches: (records ?? []).flatMap(fetchedBatches) }, body.nodeEndpoints);
  } catch (error) {
    if (error instanceof RecordBatchError || error instanceof ProtocolError) return failed(error.message);
    throw error;
  }
}

function placed(
  empty: FetchResponse,
  name: 'diverging' | 'snapshot',
  { epoch, endOffset: offset }: { readonly epoch: number; readonly endOffset: number },
  endpoints: readonly NodeEndpoint[],
): Reply {
  const place: OffsetAndEpoch = { offset, epoch };
  if (offset < 0 || epoch < 0) return failed(`it has a ${name} place at offset ${offset} in epoch ${epoch}`);
  return reply({ ...empty, [name]: place }, endpoints);
}

export function fetchSnapshotReply(body: ResponseOf<typeof FetchSnapshot>): Reply {
  if (body.errorCode !== ERROR.NONE) return failed(errorName(body.errorCode));
  const told = onlyPartition(
    body.topics,
    ({ name }) => name === METADATA_TOPIC,
    ({ index }) => index,
  );
  if (told === undefined) return NOT_OURS;
  const answer = common(told.errorCode, told.currentLeader);
  if (answer === undefined) return failed(errorName(told.errorCode));
  const { snapshotId, size: sizeInBytes, position, unalignedRecords } = told;
  const bytes = Buffer.concat(unalignedRecords);
  const isGoingOn = bytes.length > 0 && position >= 0 && position + bytes.length <= sizeInBytes;
  // A piece of nothing would be asked for again and again.
  if (answer.error === 'NONE' && !isGoingOn) return failed(`${bytes.length} bytes at ${position} of ${sizeInBytes}`);
  const snapshot = { offset: snapshotId.endOffset, epoch: snapshotId.epoch };
  return reply({ api: 'FetchSnapshot', ...answer, snapshot, sizeInBytes, position, bytes }, body.nodeEndpoints);
}

export function updateVoterReply({ errorCode, currentLeader }: ResponseOf<typeof UpdateRaftVoter>): Reply {
  const answer = common(errorCode, currentLeader);
  if (answer === undefined) return failed(errorName(errorCode));
  const { leaderId: nodeId, host, port } = currentLeader;
  return reply({ api: 'UpdateRaftVoter', ...answer }, host === '' ? [] : [{ nodeId, host, port }]);
}

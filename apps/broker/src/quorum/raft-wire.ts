/**
 * The quorum's machine and Kafka's protocol: requests and answers of the one as bodies of the other's APIs, both ways. The
 * shell that owns the sockets calls it, and nothing else of `raft-*.ts`.
 *
 *     machine ── send ────▶ questionOf ──▶ wire        wire ──▶ takeRequest ──┬─ request ─▶ machine
 *                                                                             └─ refused ─▶ refusalAnswer ──▶ wire
 *     machine ── answer… ─▶ answerOf ────▶ wire        wire ──▶ replyOf ──────┬─ response ▶ machine
 *                                                                             └─ failed ──▶ machine
 */
import type {
  AddRaftVoter,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  Fetch,
  FetchSnapshot,
  RemoveRaftVoter,
  RequestOf,
  ResponseOf,
  UpdateRaftVoter,
  Vote,
} from '@meridian/protocol';
import type { AddVoterRequest, RaftRequest, RaftResponse } from '@meridian/quorum';
import {
  changeAnswer,
  epochAnswer,
  type FetchedLog,
  fetchAnswer,
  fetchSnapshotAnswer,
  updateAnswer,
  voteAnswer,
} from './raft-answers.ts';
import type { SentRequest } from './raft-questions.ts';
import { epochReply, fetchReply, fetchSnapshotReply, type Reply, updateVoterReply, voteReply } from './raft-replies.ts';
import {
  type AskedVoter,
  type Taken,
  takeAddVoter,
  takeBegin,
  takeEnd,
  takeFetch,
  takeFetchSnapshot,
  takeRemoveVoter,
  takeUpdateVoter,
  takeVote,
} from './raft-requests.ts';
import { codeOf, type RaftView } from './raft-view.ts';

export { refusalAnswer } from './raft-answers.ts';
export { type Asking, type Question, questionOf } from './raft-questions.ts';

/** `changeTimeoutMs`: for changes of voters whose requests have no time of their own. */
export function takeRequest(api: RaftRequest['api'], body: unknown, view: RaftView, changeTimeoutMs: number): Taken {
  switch (api) {
    case 'Vote':
      return takeVote(body as RequestOf<typeof Vote>, view);
    case 'BeginQuorumEpoch':
      return takeBegin(body as RequestOf<typeof BeginQuorumEpoch>, view);
    case 'EndQuorumEpoch':
      return takeEnd(body as RequestOf<typeof EndQuorumEpoch>, view);
    case 'Fetch':
      return takeFetch(body as RequestOf<typeof Fetch>, view);
    case 'FetchSnapshot':
      return takeFetchSnapshot(body as RequestOf<typeof FetchSnapshot>, view);
    case 'AddRaftVoter':
      return takeAddVoter(body as RequestOf<typeof AddRaftVoter>, view);
    case 'RemoveRaftVoter':
      return takeRemoveVoter(body as RequestOf<typeof RemoveRaftVoter>, view, changeTimeoutMs);
    case 'UpdateRaftVoter':
      return takeUpdateVoter(body as RequestOf<typeof UpdateRaftVoter>, view, changeTimeoutMs);
  }
}

/** Levels of `kraft.version` that the new voter told when it was asked; undefined if it could not be reached. */
export function addVoterRequest(
  { voter, timeoutMs, ackWhenCommitted }: AskedVoter,
  levels: { readonly min: number; readonly max: number } | undefined,
): AddVoterRequest {
  const { min: minKraftVersion, max: maxKraftVersion } = levels ?? { min: 0, max: 0 };
  const isReachable = levels !== undefined;
  const asked = { ...voter, minKraftVersion, maxKraftVersion };
  return { api: 'AddRaftVoter', voter: asked, isReachable, timeoutMs, ackWhenCommitted };
}

/** `fetched` goes with an answer to a Fetch: what was read of the log, or nothing. */
export function answerOf(response: RaftResponse, version: number, view: RaftView, fetched: FetchedLog): unknown {
  switch (response.api) {
    case 'Vote':
      return voteAnswer(response, version, view);
    case 'Fetch':
      return fetchAnswer(response, version, view, fetched);
    case 'FetchSnapshot':
      return fetchSnapshotAnswer(response, version, view);
    case 'UpdateRaftVoter':
      return updateAnswer(codeOf(response.error), response, view);
    case 'AddRaftVoter':
    case 'RemoveRaftVoter':
      return changeAnswer(response);
    default:
      return epochAnswer({ ...response, api: response.api }, version, view);
  }
}

export function replyOf(request: SentRequest, body: unknown): Reply {
  switch (request.api) {
    case 'Vote':
      return voteReply(body as ResponseOf<typeof Vote>);
    case 'BeginQuorumEpoch':
    case 'EndQuorumEpoch':
      return epochReply(request.api, body as ResponseOf<typeof BeginQuorumEpoch>);
    case 'Fetch':
      return fetchReply(body as ResponseOf<typeof Fetch>);
    case 'FetchSnapshot':
      return fetchSnapshotReply(body as ResponseOf<typeof FetchSnapshot>);
    case 'UpdateRaftVoter':
      return updateVoterReply(body as ResponseOf<typeof UpdateRaftVoter>);
  }
}

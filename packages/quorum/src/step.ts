/**
 * The quorum's machine: give it what happened and the time, take what there is to do. It never looks at a clock, a disk or
 * a socket; all of its chance comes from the `random` that it was created with.
 *
 * Invariants, whatever arrives in whatever order: at most one leader an epoch; two logs with a batch of the same offset and
 * epoch are the same up to it; what one node calls committed, every later leader has.
 */
import { advance, append, release } from './appending.ts';
import { electionTimedOut, handleVote, standForElection, takeVote, voteFailed } from './election.ts';
import { fetch, fetchFailed, takeFetched, takeSnapshotPart, tellOfMove } from './following.ts';
import { doubtLeader, handleBegin, handleEnd, learnLeader, resign, tellOfEnd, tellOfLead } from './leadership.ts';
import type { OffsetAndEpoch, QuorumEffect, QuorumInput, RaftRequest, RaftResponse } from './messages.ts';
import { handleChange, settleChange } from './reconfiguration.ts';
import { becomeUnattached } from './roles.ts';
import { handleFetch, handleFetchSnapshot } from './serving.ts';
import type { Quorum } from './state.ts';
import { commit, remember, type Turn } from './turn.ts';
import type { Voter } from './voters.ts';

export function step(quorum: Quorum, input: QuorumInput, nowMs: number): QuorumEffect[] {
  const turn: Turn = { quorum, nowMs, effects: [] };
  take(turn, input);
  tick(turn);
  return turn.effects;
}

function take(turn: Turn, input: QuorumInput): void {
  const { quorum } = turn;
  switch (input.kind) {
    case 'tick':
      return;
    case 'request':
      return handle(turn, input.from, input.request);
    case 'response':
      return takeResponse(turn, input.from, input.request, input.response);
    case 'failed':
      if (input.request.api === 'Vote') return voteFailed(turn, input.to, input.request);
      if (input.request.api === 'Fetch' || input.request.api === 'FetchSnapshot') fetchFailed(turn, input.request);
      return;
    case 'flushed':
      quorum.log.durableEnd = Math.max(quorum.log.durableEnd, Math.min(input.end, quorum.log.endOffset));
      if (quorum.role.kind === 'leader') advance(turn, quorum.role);
      else if (hasCaughtUp(quorum)) remember(turn);
      return;
    case 'propose':
      return propose(turn, input.proposal, input.recordCount);
    case 'snapshotTaken':
      return quorum.log.advanceStart(input.snapshot);
    case 'snapshotInstalled':
      return installed(turn, input.snapshot, input.voters);
    case 'snapshotRefused':
      return refused(turn);
    case 'leaderUnreachable':
      return doubtLeader(turn, input.leaderId);
    case 'resign':
      quorum.isStopping = true;
      return resign(turn);
  }
}

/** All that any leader has ever committed is on our disk, as far as one has told. */
const hasCaughtUp = ({ toldHighWatermark, log }: Quorum): boolean =>
  toldHighWatermark >= 0 && log.durableEnd >= toldHighWatermark;

function handle(turn: Turn, from: unknown, request: RaftRequest): void {
  switch (request.api) {
    case 'Vote':
      return handleVote(turn, from, request);
    case 'BeginQuorumEpoch':
      return handleBegin(turn, from, request);
    case 'EndQuorumEpoch':
      return handleEnd(turn, from, request);
    case 'Fetch':
      return handleFetch(turn, from, request);
    case 'FetchSnapshot':
      return handleFetchSnapshot(turn, from, request);
    default:
      return handleChange(turn, from, request);
  }
}

function takeResponse(turn: Turn, from: number, request: RaftRequest, response: RaftResponse): void {
  const { role } = turn.quorum;
  if (response.api === 'Fetch' && request.api === 'Fetch') return takeFetched(turn, from, request, response);
  if (response.api === 'FetchSnapshot' && request.api === 'FetchSnapshot') {
    return takeSnapshotPart(turn, from, request, response);
  }
  if (role.kind === 'resigned' && response.api === 'EndQuorumEpoch') role.unheard.delete(from);
  learnLeader(turn, response.epoch, response.leaderId);
  if (response.api === 'Vote' && request.api === 'Vote') takeVote(turn, from, request, response);
}

function propose(turn: Turn, proposal: unknown, recordCount: number): void {
  if (turn.quorum.role.kind === 'leader') return append(turn, { kind: 'proposal', proposal }, recordCount);
  turn.effects.push({ kind: 'refused', proposal, error: 'NOT_LEADER_OR_FOLLOWER' });
}

function installed(turn: Turn, snapshot: OffsetAndEpoch, voters: readonly Voter[] | undefined): void {
  const { quorum } = turn;
  quorum.log.install(snapshot);
  quorum.voters.truncate(0);
  if (voters !== undefined) quorum.voters.add(snapshot.offset - 1, voters);
  if (quorum.role.kind === 'follower') quorum.role.download = undefined;
  commit(turn, snapshot.offset);
}

/** The same bytes would come again: not at once. */
function refused({ quorum, nowMs }: Turn): void {
  if (quorum.role.kind !== 'follower') return;
  quorum.role.download = undefined;
  quorum.fetchNotBeforeMs = nowMs + Math.floor(quorum.settings.fetchTimeoutMs / 2);
}

/** What is due by now, after every input. */
function tick(turn: Turn): void {
  const { quorum, nowMs } = turn;
  const { role } = quorum;
  switch (role.kind) {
    case 'leader':
      settleChange(turn, role);
      if (quorum.role === role && role.quorumDeadlineMs <= nowMs) resign(turn);
      if (quorum.role !== role) break;
      if (role.beginDeadlineMs <= nowMs) tellOfLead(turn, role);
      advance(turn, role);
      settleChange(turn, role);
      release(turn, role);
      break;
    case 'follower':
      if (role.fetchDeadlineMs <= nowMs) standForElection(turn);
      else tellOfMove(turn);
      break;
    case 'resigned':
      if (role.electionDeadlineMs <= nowMs) standAgain(turn);
      else if (role.endDeadlineMs <= nowMs) tellOfEnd(turn, role);
      break;
    default:
      if (role.electionDeadlineMs <= nowMs) electionTimedOut(turn);
  }
  fetch(turn);
}

/** Who led once has waited long enough for another. */
function standAgain(turn: Turn): void {
  becomeUnattached(turn, turn.quorum.epoch);
  standForElection(turn);
}

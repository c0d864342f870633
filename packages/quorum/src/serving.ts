/**
 * A leader serves its followers and observers: Fetch and FetchSnapshot. What a replica asks for next tells how far its log
 * agrees with ours, as far as it has been fsynced there.
 */
import { advance, answerWithRecords, hasNews, toldHighWatermark } from './appending.ts';
import { noteVoter } from './leadership.ts';
import { MACHINE_LIMITS } from './limits.ts';
import type { Asker, FetchRequest, FetchSnapshotRequest, RaftError } from './messages.ts';
import { type Leader, type Quorum, toldLeaderId } from './state.ts';
import { answer, type Turn } from './turn.ts';

export function handleFetch(turn: Turn, from: Asker, request: FetchRequest): void {
  const { quorum } = turn;
  const { role, log } = quorum;
  const error = whyNotServed(quorum, request.epoch);
  if (error !== 'NONE' || role.kind !== 'leader') return answerEmpty(turn, from, error);
  const check = log.check(request.fetchOffset, request.lastFetchedEpoch);
  noteVoter(turn, role, request.replica);
  if (check.kind !== 'valid') noteLoss(turn, role, request, check.kind === 'diverging' ? check.at.offset : -1);
  if (check.kind === 'diverging') return answerEmpty(turn, from, 'NONE', { diverging: check.at });
  if (check.kind === 'snapshot') return answerEmpty(turn, from, 'NONE', { snapshot: check.snapshot });
  noteProgress(turn, role, request);
  advance(turn, role);
  if (quorum.role !== role) return answerEmpty(turn, from, 'NOT_LEADER_OR_FOLLOWER');
  const mayWait = request.maxWaitMs > 0 && role.waiting.length < MACHINE_LIMITS.waitingFetches;
  if (hasNews(quorum, request.fetchOffset, request.highWatermark) || !mayWait) {
    return answerWithRecords(turn, from, request.fetchOffset);
  }
  const deadlineMs = turn.nowMs + Math.min(request.maxWaitMs, quorum.settings.fetchMaxWaitMs);
  role.waiting.push({ from, request, deadlineMs });
}

export function handleFetchSnapshot(turn: Turn, from: Asker, request: FetchSnapshotRequest): void {
  const { quorum, effects } = turn;
  const { role } = quorum;
  const error = whyNotServed(quorum, request.epoch);
  if (error !== 'NONE' || role.kind !== 'leader') {
    const { epoch } = quorum;
    const leaderId = toldLeaderId(quorum);
    const { snapshot, position } = request;
    const empty = { snapshot, position, sizeInBytes: 0, bytes: new Uint8Array(0) };
    return answer(turn, from, { api: 'FetchSnapshot', error, epoch, leaderId, ...empty });
  }
  noteVoter(turn, role, request.replica);
  effects.push({ kind: 'answerSnapshot', to: from, request, epoch: quorum.epoch });
}

function whyNotServed({ epoch, role }: Quorum, askedEpoch: number): RaftError {
  if (askedEpoch < epoch) return 'FENCED_LEADER_EPOCH';
  if (askedEpoch > epoch) return 'UNKNOWN_LEADER_EPOCH';
  return role.kind === 'leader' ? 'NONE' : 'NOT_LEADER_OR_FOLLOWER';
}

function noteProgress({ quorum, nowMs }: Turn, leader: Leader, { replica, fetchOffset }: FetchRequest): void {
  const progress = leader.replicas.fetching(replica, nowMs);
  if (progress === undefined) return;
  const { endOffset } = quorum.log;
  if (fetchOffset >= endOffset) progress.lastCaughtUpMs = nowMs;
  else if (progress.leaderEndAtFetch >= 0 && fetchOffset >= progress.leaderEndAtFetch) {
    progress.lastCaughtUpMs = Math.max(progress.lastCaughtUpMs, progress.lastFetchMs);
  }
  progress.lastFetchMs = nowMs;
  progress.leaderEndAtFetch = endOffset;
  // Not the largest that there was: a disk may have been lost, and what it had counts no more.
  progress.endOffset = fetchOffset;
}

/** Its log is ours up to `agreedEnd` at most, whatever it was. */
function noteLoss({ nowMs }: Turn, { replicas }: Leader, { replica }: FetchRequest, agreedEnd: number): void {
  const progress = replicas.fetching(replica, nowMs);
  if (progress !== undefined) progress.endOffset = Math.min(progress.endOffset, agreedEnd);
}

function answerEmpty(turn: Turn, from: Asker, error: RaftError, more: object = {}): void {
  const { epoch } = turn.quorum;
  const leaderId = toldLeaderId(turn.quorum);
  const highWatermark = toldHighWatermark(turn.quorum);
  answer(turn, from, { api: 'Fetch', error, epoch, leaderId, highWatermark, batches: [], ...more });
}

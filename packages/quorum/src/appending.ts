/**
 * What a leader writes, and what it may believe of its followers' logs: appends, the high watermark, and the fetches that
 * wait for either.
 *
 *   a record is committed when it is fsynced on a majority of the voters, the leader among them if it is one, and the
 *   leader's own first record lies at or below it; then so is everything before it
 */
import type { LeaderBatch } from './messages.ts';
import type { Leader, Quorum, WaitingFetch } from './state.ts';
import { commit, type Turn } from './turn.ts';
import { majorityOf } from './voters.ts';

/** One batch at the end of the log; the caller leads. */
export function append(turn: Turn, batch: LeaderBatch, recordCount = 1): void {
  const { quorum, effects } = turn;
  const baseOffset = quorum.log.endOffset;
  quorum.log.append(quorum.epoch, baseOffset + recordCount);
  const voters = batch.kind === 'leaderChange' ? batch.recorded?.voters : batch.kind === 'voters' && batch.voters;
  if (voters) quorum.voters.add(baseOffset, voters);
  effects.push({ kind: 'append', baseOffset, epoch: quorum.epoch, batch });
}

/** Looks how far a majority has come, and lets those go on who waited for it. */
export function advance(turn: Turn, leader: Leader): void {
  const committed = onMajority(turn.quorum, leader);
  if (committed > leader.epochStart) commit(turn, committed);
  release(turn, leader);
}

function onMajority({ self, log, voters }: Quorum, leader: Leader): number {
  const ends = voters.current.map(({ id }) =>
    id === self.id ? log.durableEnd : (leader.replicas.voter(id)?.endOffset ?? -1),
  );
  return ends.sort((a, b) => b - a)[majorityOf(voters.current) - 1] ?? -1;
}

/** Answers the fetches that have something to bring by now, and with `isLate` those whose time is up. */
export function release(turn: Turn, leader: Leader): void {
  const { quorum, nowMs } = turn;
  const [ready, waiting]: WaitingFetch[][] = [[], []];
  for (const fetch of leader.waiting) {
    const isReady = hasNews(quorum, fetch.request.fetchOffset, fetch.request.highWatermark);
    (isReady || fetch.deadlineMs <= nowMs ? ready! : waiting!).push(fetch);
  }
  leader.waiting = waiting!;
  for (const { from, request } of ready!) answerWithRecords(turn, from, request.fetchOffset);
}

export function hasNews(quorum: Quorum, fetchOffset: number, knownHighWatermark: number): boolean {
  return fetchOffset < quorum.log.endOffset || toldHighWatermark(quorum) > knownHighWatermark;
}

/**
 * What a leader answers: −1 until it has committed something itself. What it knew before may be less than its predecessor
 * had committed, and whoever has just come up would take itself for caught up with it.
 */
export function toldHighWatermark({ role, highWatermark }: Quorum): number {
  return role.kind === 'leader' && highWatermark <= role.epochStart ? -1 : highWatermark;
}

export function answerWithRecords({ quorum, effects }: Turn, to: unknown, from: number): void {
  const { epoch, leaderId } = quorum;
  const highWatermark = toldHighWatermark(quorum);
  const response = { api: 'Fetch', error: 'NONE', epoch, leaderId, highWatermark, batches: [] } as const;
  effects.push({ kind: 'answerFetch', to, from, response });
}

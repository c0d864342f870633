/**
 * The leader of one partition as a pure machine: how far records are committed, and which producers may be told.
 * `partition.ts` performs what it returns. Until partitions have followers the leader is its own in-sync set, so the high
 * watermark is what the log has written, or fsynced where the topic's durability is `fsync`.
 *
 *     input       | effect
 *     appended    | the acknowledgement waits: acks=1 for the log, acks=-1 for the high watermark
 *     progress    | the high watermark moves; acknowledgements that it has reached are given
 *     tick        | acknowledgements past their deadline fail with REQUEST_TIMED_OUT
 *     resign      | all that wait fail with the given code; nothing is accepted any more
 *
 * Invariant: the high watermark never goes back while the machine lives, and nothing above it is acknowledged.
 */
import { ERROR } from '@meridian/protocol';

/** Someone who waits to hear that the log has reached `end`. */
export interface Acknowledgement {
  readonly end: number;
  readonly acks: number;
  readonly deadlineMs: number;
}

export interface Leader<A extends Acknowledgement> {
  readonly leaderEpoch: number;
  /** Whether written is not enough. */
  fsync: boolean;
  highWatermark: number;
  /** In the order of `end`. */
  waiting: A[];
  resigned: boolean;
}

export type LeaderInput<A extends Acknowledgement> =
  | { readonly kind: 'appended'; readonly acknowledgement: A }
  | { readonly kind: 'progress'; readonly writtenEnd: number; readonly durableEnd: number }
  | { readonly kind: 'tick' }
  | { readonly kind: 'resign'; readonly errorCode: number };

export interface LeaderEffects<A extends Acknowledgement> {
  /** To be told `errorCode` now, in this order. */
  readonly answer: readonly A[];
  readonly errorCode: number;
  /** Fetches that wait on this partition have something to look at. */
  readonly highWatermarkMoved: boolean;
}

export function createLeader<A extends Acknowledgement>(options: {
  leaderEpoch: number;
  fsync: boolean;
  highWatermark: number;
}): Leader<A> {
  return { ...options, waiting: [], resigned: false };
}

const QUIET: LeaderEffects<never> = { answer: [], errorCode: ERROR.NONE, highWatermarkMoved: false };

export function step<A extends Acknowledgement>(
  leader: Leader<A>,
  input: LeaderInput<A>,
  nowMs: number,
): LeaderEffects<A> {
  if (leader.resigned) return QUIET;
  switch (input.kind) {
    case 'appended':
      return append(leader, input.acknowledgement);
    case 'progress':
      return advance(leader, leader.fsync ? input.durableEnd : input.writtenEnd);
    case 'tick':
      return expire(leader, nowMs);
    case 'resign': {
      leader.resigned = true;
      const answer = leader.waiting;
      leader.waiting = [];
      return { answer, errorCode: input.errorCode, highWatermarkMoved: false };
    }
  }
}

/** The earliest time at which a `tick` has something to do. */
export function nextDeadlineMs(leader: Leader<Acknowledgement>): number {
  return leader.waiting.reduce((least, { deadlineMs }) => Math.min(least, deadlineMs), Number.POSITIVE_INFINITY);
}

/** A duplicate of what is committed already need not wait. */
function append<A extends Acknowledgement>(leader: Leader<A>, acknowledgement: A): LeaderEffects<A> {
  if (acknowledgement.end <= leader.highWatermark) {
    return { answer: [acknowledgement], errorCode: ERROR.NONE, highWatermarkMoved: false };
  }
  let at = leader.waiting.length;
  while (at > 0 && leader.waiting[at - 1]!.end > acknowledgement.end) at--;
  if (at === leader.waiting.length) leader.waiting.push(acknowledgement);
  else leader.waiting.splice(at, 0, acknowledgement);
  return QUIET;
}

function advance<A extends Acknowledgement>(leader: Leader<A>, committed: number): LeaderEffects<A> {
  if (committed <= leader.highWatermark) return QUIET;
  leader.highWatermark = committed;
  const { waiting } = leader;
  let reached = 0;
  while (reached < waiting.length && waiting[reached]!.end <= committed) reached++;
  leader.waiting = reached === waiting.length ? [] : waiting.slice(reached);
  return {
    answer: reached === waiting.length ? waiting : waiting.slice(0, reached),
    errorCode: ERROR.NONE,
    highWatermarkMoved: true,
  };
}

function expire<A extends Acknowledgement>(leader: Leader<A>, nowMs: number): LeaderEffects<A> {
  const answer = leader.waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
  if (answer.length > 0) leader.waiting = leader.waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
  return { answer, errorCode: ERROR.REQUEST_TIMED_OUT, highWatermarkMoved: false };
}

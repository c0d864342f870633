/**
 * The leader of one partition as a pure machine: how far records are committed, which producers may be told, and who is
 * in sync. `partition.ts` performs what it returns.
 *
 *     input           | effect
 *     appended        | the acknowledgement waits: acks=1 for our log, acks=-1 for the high watermark
 *     progress        | our log has come further: so may the high watermark; acknowledgements it has reached are given
 *     fetched         | a follower has come further: the same; one that has caught up is proposed for the in-sync set
 *     alterPartition  | the controller's word on what was proposed
 *     image, settings | the same from the metadata
 *     tick            | past their deadline acknowledgements fail with REQUEST_TIMED_OUT; who lags is proposed to leave
 *     resign          | all that wait fail with the given code; nothing is accepted any more
 *
 * "Our log" is what is written, or, with durability `fsync`, what is fsynced. The high watermark is the least end of all
 * who are in sync or about to be, and rests while they are fewer than min.insync.replicas; so nobody is ever acknowledged
 * with too few, and Kafka's NOT_ENOUGH_REPLICAS_AFTER_APPEND cannot happen: such producers wait, and may time out.
 * Invariant: the high watermark never goes back while the machine lives, and nothing above it is acknowledged.
 */
import { ERROR } from '@meridian/protocol';
import { type Acknowledgement, Acknowledgements } from './acknowledgements.ts';
import {
  committedEnd,
  createInSyncSet,
  followImage,
  type InSyncSet,
  isUnderMin,
  noteAppend,
  noteFetch,
  proposeExpansion,
  proposeShrinking,
  type ReplicaFetch,
  settleProposal,
} from './in-sync-set.ts';
import type { BrokerStanding, IsrAnswer, IsrChange, Leadership } from './leadership.ts';

export interface LeaderSettings {
  /** Whether written is not enough. */
  readonly fsync: boolean;
  readonly minInsyncReplicas: number;
  /** Kafka's `replica.lag.time.max.ms`. */
  readonly lagMaxMs: number;
}

/** How far our log has come. */
export interface LogEnds {
  readonly endOffset: number;
  readonly writtenEnd: number;
  readonly durableEnd: number;
}

export interface Leader<A extends Acknowledgement> {
  readonly leaderEpoch: number;
  /** Where the log ended when the epoch began. */
  readonly epochStart: number;
  settings: LeaderSettings;
  /** Where our log ends, and up to where it counts. */
  logEnd: number;
  ownEnd: number;
  highWatermark: number;
  readonly inSync: InSyncSet;
  /** For the high watermark, and for our log alone. */
  readonly waiting: Acknowledgements<A>;
  readonly waitingForLog: Acknowledgements<A>;
  resigned: boolean;
}

export type LeaderInput<A extends Acknowledgement> =
  | { readonly kind: 'appended'; readonly acknowledgement: A }
  | ({ readonly kind: 'progress' } & LogEnds)
  | { readonly kind: 'fetched'; readonly fetch: ReplicaFetch }
  | { readonly kind: 'alterPartition'; readonly answer: IsrAnswer }
  | { readonly kind: 'image'; readonly leadership: Leadership }
  | ({ readonly kind: 'settings'; readonly settings: LeaderSettings } & LogEnds)
  | { readonly kind: 'tick' }
  | { readonly kind: 'resign'; readonly errorCode: number };

export interface LeaderEffects<A extends Acknowledgement> {
  /** To be told `errorCode` now, in this order. */
  readonly answer: readonly A[];
  readonly errorCode: number;
  /** Fetches that wait on this partition have something to look at. */
  readonly highWatermarkMoved: boolean;
  /** To be asked of the controller. */
  readonly alter: IsrChange | undefined;
}

export interface LeaderOptions {
  readonly self: number;
  readonly leadership: Leadership;
  readonly brokers: BrokerStanding;
  readonly settings: LeaderSettings;
  /** Our log as it is when the epoch begins. */
  readonly ends: LogEnds;
  /** The last that is known. */
  readonly highWatermark: number;
}

/** A leader in its first moment; a `tick` brings the high watermark to where it may be. */
export function createLeader<A extends Acknowledgement>(options: LeaderOptions, nowMs: number): Leader<A> {
  const { self, leadership, brokers, settings, ends, highWatermark } = options;
  return {
    leaderEpoch: leadership.leaderEpoch,
    epochStart: ends.endOffset,
    settings,
    logEnd: ends.endOffset,
    ownEnd: settings.fsync ? ends.durableEnd : ends.writtenEnd,
    highWatermark,
    inSync: createInSyncSet(self, leadership, brokers, nowMs),
    waiting: new Acknowledgements<A>(),
    waitingForLog: new Acknowledgements<A>(),
    resigned: false,
  };
}

const QUIET: LeaderEffects<never> = {
  answer: [],
  errorCode: ERROR.NONE,
  highWatermarkMoved: false,
  alter: undefined,
};

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
      return progress(leader, input, nowMs);
    case 'fetched':
      return fetched(leader, input.fetch, nowMs);
    case 'alterPartition':
      return advance(leader, nowMs, settleProposal(leader.inSync, input.answer));
    case 'image':
      return followImage(leader.inSync, input.leadership, nowMs) ? advance(leader, nowMs) : QUIET;
    case 'settings':
      leader.settings = input.settings;
      return progress(leader, input, nowMs);
    case 'tick':
      return tick(leader, nowMs);
    case 'resign': {
      leader.resigned = true;
      const answer = [...leader.waitingForLog.takeAll(), ...leader.waiting.takeAll()];
      return { answer, errorCode: input.errorCode, highWatermarkMoved: false, alter: undefined };
    }
  }
}

/** Whether acks=all has to be refused: NOT_ENOUGH_REPLICAS. */
export function hasTooFewReplicas({ inSync, settings }: Leader<Acknowledgement>): boolean {
  return isUnderMin(inSync, settings.minInsyncReplicas);
}

export function isAnybodyWaiting({ waiting, waitingForLog }: Leader<Acknowledgement>): boolean {
  return waiting.size > 0 || waitingForLog.size > 0;
}

/** The earliest time at which a `tick` has an acknowledgement to fail. */
export function nextDeadlineMs({ waiting, waitingForLog }: Leader<Acknowledgement>): number {
  return Math.min(waiting.nextDeadlineMs, waitingForLog.nextDeadlineMs);
}

/** A duplicate of what has come so far already need not wait. */
function append<A extends Acknowledgement>(leader: Leader<A>, acknowledgement: A): LeaderEffects<A> {
  const isForAll = acknowledgement.acks === -1;
  if (acknowledgement.end <= (isForAll ? leader.highWatermark : leader.ownEnd)) {
    return { answer: [acknowledgement], errorCode: ERROR.NONE, highWatermarkMoved: false, alter: undefined };
  }
  (isForAll ? leader.waiting : leader.waitingForLog).add(acknowledgement);
  return QUIET;
}

function progress<A extends Acknowledgement>(leader: Leader<A>, ends: LogEnds, nowMs: number): LeaderEffects<A> {
  if (ends.endOffset > leader.logEnd) {
    if (leader.inSync.remotes.length > 0) noteAppend(leader.inSync, leader.logEnd, nowMs);
    leader.logEnd = ends.endOffset;
  }
  leader.ownEnd = leader.settings.fsync ? ends.durableEnd : ends.writtenEnd;
  return advance(leader, nowMs);
}

function fetched<A extends Acknowledgement>(leader: Leader<A>, fetch: ReplicaFetch, nowMs: number): LeaderEffects<A> {
  const replica = noteFetch(leader.inSync, fetch, leader.logEnd, nowMs);
  if (replica === undefined) return QUIET;
  return advance(leader, nowMs, proposeExpansion(leader.inSync, replica, leader));
}

function tick<A extends Acknowledgement>(leader: Leader<A>, nowMs: number): LeaderEffects<A> {
  const late = [...leader.waitingForLog.takeExpired(nowMs), ...leader.waiting.takeExpired(nowMs)];
  const alter = proposeShrinking(leader.inSync, leader.logEnd, leader.settings.lagMaxMs, nowMs);
  if (late.length === 0) return advance(leader, nowMs, alter);
  return { answer: late, errorCode: ERROR.REQUEST_TIMED_OUT, highWatermarkMoved: false, alter };
}

function advance<A extends Acknowledgement>(
  leader: Leader<A>,
  nowMs: number,
  alter: IsrChange | undefined = undefined,
): LeaderEffects<A> {
  const answer = leader.waitingForLog.takeReached(leader.ownEnd);
  const committed = committedEnd(leader.inSync, leader, leader.settings, nowMs);
  if (committed <= leader.highWatermark) {
    if (answer.length === 0 && alter === undefined) return QUIET;
    return { answer, errorCode: ERROR.NONE, highWatermarkMoved: false, alter };
  }
  leader.highWatermark = committed;
  const reached = leader.waiting.takeReached(committed);
  const all = answer.length === 0 ? reached : [...answer, ...reached];
  return { answer: all, errorCode: ERROR.NONE, highWatermarkMoved: true, alter };
}

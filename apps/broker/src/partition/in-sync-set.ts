/**
 * The in-sync set of a partition as its leader keeps it: how far every replica has come, who has to have a record before
 * it is committed, and which change to ask the controller for. A part of the leader machine (`leader.ts`).
 *
 *     proposed (one at a time)   the set that counts is the old one and the new one together
 *     answered, or in the image  the new one counts
 *     refused                    the old one counts on
 *     superseded (stale epochs)  both count on, until the image tells
 *
 * Invariant: whoever may be in sync by the controller's word, or by a word that is on its way, is waited for.
 */
import { ERROR } from '@meridian/protocol';
import type { BrokerStanding, IsrAnswer, IsrChange, Leadership } from './leadership.ts';

/** A replica on another broker, as the leader sees it. */
export interface RemoteReplica {
  readonly id: number;
  /** With which it fetched last; −1: not in this leader epoch. */
  brokerEpoch: number;
  /** It has everything below; −1: it has not fetched in this leader epoch. */
  end: number;
  logStart: number;
  /** Its last fetch, and where our log ended then. */
  fetchedMs: number;
  endWhenFetched: number;
  /** When it last had all that there was. */
  caughtUpMs: number;
  /** In the set, or in the one that is asked for. */
  isAwaited: boolean;
}

export interface InSyncSet {
  readonly self: number;
  readonly leaderEpoch: number;
  partitionEpoch: number;
  replicas: readonly number[];
  /** By the controller's word. */
  isr: readonly number[];
  /** Asked for, and not answered yet. */
  pending: IsrChange | undefined;
  remotes: RemoteReplica[];
  readonly brokers: BrokerStanding;
}

/** What a follower tells by fetching. */
export interface ReplicaFetch {
  readonly replica: number;
  readonly brokerEpoch: number;
  readonly fetchOffset: number;
  readonly logStart: number;
}

export function createInSyncSet(
  self: number,
  leadership: Leadership,
  brokers: BrokerStanding,
  nowMs: number,
): InSyncSet {
  const { leaderEpoch, partitionEpoch, replicas, isr } = leadership;
  const set: InSyncSet = { self, leaderEpoch, partitionEpoch, replicas, isr, pending: undefined, remotes: [], brokers };
  adopt(set, leadership, nowMs);
  return set;
}

/** Takes over what the image says; false if it is not news. */
export function followImage(set: InSyncSet, leadership: Leadership, nowMs: number): boolean {
  if (leadership.partitionEpoch <= set.partitionEpoch) return false;
  adopt(set, leadership, nowMs);
  return true;
}

function adopt(set: InSyncSet, { partitionEpoch, replicas, isr }: Leadership, nowMs: number): void {
  set.partitionEpoch = partitionEpoch;
  set.replicas = replicas;
  set.isr = isr;
  set.pending = undefined;
  const others = replicas.filter((id) => id !== set.self);
  set.remotes = others.map(
    (id) => set.remotes.find((each) => each.id === id) ?? newReplica(id, isr.includes(id), nowMs),
  );
  markAwaited(set);
}

/** One that is in sync has its time from now on; one that is not has to show first that it follows. */
function newReplica(id: number, isInSync: boolean, nowMs: number): RemoteReplica {
  const caughtUpMs = isInSync ? nowMs : Number.NEGATIVE_INFINITY;
  return {
    id,
    brokerEpoch: -1,
    end: -1,
    logStart: -1,
    fetchedMs: -1,
    endWhenFetched: -1,
    caughtUpMs,
    isAwaited: false,
  };
}

function markAwaited({ remotes, isr, pending }: InSyncSet): void {
  for (const each of remotes) {
    each.isAwaited = isr.includes(each.id) || (pending?.isr.some(({ brokerId }) => brokerId === each.id) ?? false);
  }
}

/** Notes a follower's fetch; the follower, or undefined if it is none of ours or an earlier life of it speaks. */
export function noteFetch(
  set: InSyncSet,
  fetch: ReplicaFetch,
  logEnd: number,
  nowMs: number,
): RemoteReplica | undefined {
  const replica = set.remotes.find(({ id }) => id === fetch.replica);
  if (replica === undefined || fetch.brokerEpoch < replica.brokerEpoch) return undefined;
  const { fetchOffset } = fetch;
  if (fetchOffset >= logEnd) replica.caughtUpMs = nowMs;
  else if (replica.fetchedMs >= 0 && fetchOffset >= replica.endWhenFetched) {
    replica.caughtUpMs = Math.max(replica.caughtUpMs, replica.fetchedMs);
  }
  replica.brokerEpoch = fetch.brokerEpoch;
  replica.end = fetchOffset;
  replica.logStart = fetch.logStart;
  replica.fetchedMs = nowMs;
  replica.endWhenFetched = logEnd;
  return replica;
}

/** Our log goes on: who had all of it begins to lag now, and not when it fetched last. */
export function noteAppend({ remotes }: InSyncSet, oldEnd: number, nowMs: number): void {
  for (const replica of remotes) if (replica.end >= oldEnd) replica.caughtUpMs = nowMs;
}

/**
 * How far all have come who have to; −1 while fewer are in sync than have to be (KIP-966). A follower that keeps up and
 * may join is waited for, too, or it would never reach the high watermark of a log that is always written to.
 */
export function committedEnd(
  set: InSyncSet,
  ends: { readonly ownEnd: number; readonly logEnd: number },
  rules: { readonly minInsyncReplicas: number; readonly lagMaxMs: number },
  nowMs: number,
): number {
  if (set.remotes.length === 0) return ends.ownEnd; // it is all the replicas that there are
  if (isUnderMin(set, rules.minInsyncReplicas)) return -1;
  let least = ends.ownEnd;
  for (const replica of set.remotes) {
    if (replica.end >= least) continue;
    if (replica.isAwaited || (keepsUp(replica, ends.logEnd, rules.lagMaxMs, nowMs) && isEligible(set, replica))) {
      least = replica.end;
    }
  }
  return least;
}

/** Never more are needed than there are replicas at all. */
export function isUnderMin({ isr, replicas }: InSyncSet, minInsyncReplicas: number): boolean {
  return isr.length < Math.min(minInsyncReplicas, replicas.length);
}

/** The set with a follower that has just fetched, if it is time for it to join; it is pending then. */
export function proposeExpansion(
  set: InSyncSet,
  replica: RemoteReplica,
  { highWatermark, epochStart }: { readonly highWatermark: number; readonly epochStart: number },
): IsrChange | undefined {
  if (set.pending !== undefined || replica.isAwaited) return undefined;
  if (replica.end < highWatermark || replica.end < epochStart || !isEligible(set, replica)) return undefined;
  return propose(set, [...set.isr, replica.id]);
}

/** The set without those that lag for too long, if there are any; it is pending then. */
export function proposeShrinking(
  set: InSyncSet,
  logEnd: number,
  lagMaxMs: number,
  nowMs: number,
): IsrChange | undefined {
  if (set.pending !== undefined) return undefined;
  const lags = (id: number): boolean =>
    set.remotes.some((replica) => replica.id === id && !keepsUp(replica, logEnd, lagMaxMs, nowMs));
  const isr = set.isr.filter((id) => !lags(id));
  return isr.length === set.isr.length ? undefined : propose(set, isr);
}

/** What the controller said; returns what to ask again, if that is left to us. */
export function settleProposal(set: InSyncSet, answer: IsrAnswer): IsrChange | undefined {
  const { pending } = set;
  if (pending === undefined) return undefined;
  switch (answer.errorCode) {
    case ERROR.NONE:
      if (answer.leaderEpoch !== set.leaderEpoch) return undefined; // the image will tell of another leader
      if (answer.partitionEpoch > set.partitionEpoch) {
        set.partitionEpoch = answer.partitionEpoch;
        set.isr = answer.isr;
      }
      set.pending = undefined;
      markAwaited(set);
      return undefined;
    case ERROR.OPERATION_NOT_ATTEMPTED:
    case ERROR.INELIGIBLE_REPLICA:
      set.pending = undefined;
      markAwaited(set);
      return undefined;
    case ERROR.UNKNOWN_TOPIC_OR_PARTITION:
    case ERROR.UNKNOWN_TOPIC_ID:
    case ERROR.FENCED_LEADER_EPOCH:
    case ERROR.INVALID_UPDATE_VERSION:
    case ERROR.NEW_LEADER_ELECTED:
    case ERROR.INVALID_REQUEST:
      return undefined; // something has happened that is on its way to the image
    default:
      return pending;
  }
}

function propose(set: InSyncSet, isr: readonly number[]): IsrChange {
  const epochOf = (id: number): number => set.remotes.find((replica) => replica.id === id)?.brokerEpoch ?? -1;
  set.pending = {
    leaderEpoch: set.leaderEpoch,
    partitionEpoch: set.partitionEpoch,
    isr: isr.map((brokerId) => ({ brokerId, brokerEpoch: epochOf(brokerId) })),
  };
  markAwaited(set);
  return set.pending;
}

function keepsUp({ end, caughtUpMs }: RemoteReplica, logEnd: number, lagMaxMs: number, nowMs: number): boolean {
  return end >= logEnd || nowMs - caughtUpMs <= lagMaxMs;
}

function isEligible({ brokers }: InSyncSet, { id, brokerEpoch }: RemoteReplica): boolean {
  return brokerEpoch >= 0 && brokers.eligibleEpoch(id) === brokerEpoch;
}

/**
 * What one node of the quorum remembers, and when it next wants to be woken. `step.ts` changes it; a shell keeps it.
 *
 *     role        | what it does
 *     unattached  | knows of no leader in this epoch; looks for one, and after a random while asks who would vote for it
 *     prospective | has asked (pre-vote, KIP-996): a majority makes it a candidate, no majority leaves the epoch as it was
 *     candidate   | has begun a new epoch and voted for itself
 *     leader      | the only one of its epoch; appends, and knows what is on a majority
 *     follower    | fetches from the leader; when nothing comes for a while, it is prospective
 *     resigned    | was the leader and is no more, until somebody else is
 *
 * A node that is no voter (an observer) is only ever unattached or follower.
 */
import { LogBooks, type LogBooksOptions } from './log-books.ts';
import type { Asker, ElectionState, FetchRequest, OffsetAndEpoch, RaftRequest, RoleName } from './messages.ts';
import type { Replicas } from './replicas.ts';
import {
  isSameReplica,
  isSameVoter,
  isVoter,
  type ReplicaKey,
  type Voter,
  VoterHistory,
  type VoterSet,
} from './voters.ts';

export interface QuorumSettings {
  /** Kafka's `controller.quorum.election.timeout.ms`; the random part is as long again. */
  readonly electionTimeoutMs: number;
  /** Kafka's `controller.quorum.fetch.timeout.ms`. */
  readonly fetchTimeoutMs: number;
  /** How long a leader may hold a Fetch that has nothing to bring. */
  readonly fetchMaxWaitMs: number;
  /** After a request that failed, before the next one to the same node. */
  readonly retryBackoffMs: number;
}

export interface Ballot {
  readonly granted: Set<number>;
  readonly rejected: Set<number>;
}

export interface WaitingFetch {
  readonly from: Asker;
  readonly request: FetchRequest;
  readonly deadlineMs: number;
}

/** A change of voters that is appended and not yet committed. */
export interface VoterChange {
  /** Undefined: it has been answered. */
  readonly from: { readonly asker: Asker } | undefined;
  readonly api: 'AddRaftVoter' | 'RemoveRaftVoter' | 'UpdateRaftVoter';
  /** Behind the record. */
  readonly end: number;
  readonly deadlineMs: number;
}

export interface Unattached {
  readonly kind: 'unattached';
  electionDeadlineMs: number;
}

export interface Prospective extends Ballot {
  readonly kind: 'prospective';
  readonly electionDeadlineMs: number;
}

export interface Candidate extends Ballot {
  readonly kind: 'candidate';
  electionDeadlineMs: number;
}

export interface Follower {
  readonly kind: 'follower';
  fetchDeadlineMs: number;
  /** Somebody who has heard nothing of its leader since it learned of it does not stand in another's way (KIP-996). */
  hasFetched: boolean;
  /** Being downloaded; no Fetch meanwhile. */
  download: { readonly snapshot: OffsetAndEpoch; position: number; isWhole: boolean } | undefined;
}

export interface Leader {
  readonly kind: 'leader';
  /** Offset of the first record of its own: only when that is on a majority does it know what is committed. */
  readonly epochStart: number;
  readonly granting: ReadonlySet<number>;
  readonly replicas: Replicas;
  /** Voters that have not fetched yet: they are told. */
  readonly unheard: Set<number>;
  /** Voters that have fetched since `quorumDeadlineMs` was last put off. */
  readonly heard: Set<number>;
  /** Without a majority by then it stops to lead. */
  quorumDeadlineMs: number;
  beginDeadlineMs: number;
  waiting: WaitingFetch[];
  change: VoterChange | undefined;
}

export interface Resigned {
  readonly kind: 'resigned';
  readonly electionDeadlineMs: number;
  /** Voters that have not heard of it. */
  readonly unheard: Set<number>;
  /** Who should lead next, best first. */
  successors: readonly ReplicaKey[];
  endDeadlineMs: number;
}

export type Role = Unattached | Prospective | Candidate | Follower | Leader | Resigned;

export interface Quorum {
  readonly self: ReplicaKey;
  readonly settings: QuorumSettings;
  /** In [0, 1); the shell's. */
  readonly random: () => number;
  readonly log: LogBooks;
  readonly voters: VoterHistory;
  own: Voter | undefined;
  readonly isBootstrap: boolean;
  epoch: number;
  leaderId: number;
  voted: ReplicaKey | undefined;
  role: Role;
  /** −1 while it is not known. */
  highWatermark: number;
  /** As the leader last told it, though our log may be shorter; −1 until one has. */
  toldHighWatermark: number;
  /** The Fetch or FetchSnapshot that is under way; an answer to any other comes too late, or twice. */
  fetching: RaftRequest | undefined;
  /** The next fetch may not begin before. */
  fetchNotBeforeMs: number;
  /** Which of the voters an unattached node asks next. */
  nextAsked: number;
  /** It stands for no election any more. */
  isStopping: boolean;
  /** Elections in a row that it stood for and nobody won. */
  lostElections: number;
  /** It may have voted, or promised to keep records, and does not know it any more. */
  hasForgotten: boolean;
  /** A follower tells its leader where it is, no more often than this. */
  nextUpdateMs: number;
}

export interface QuorumOptions {
  readonly self: ReplicaKey;
  readonly settings: QuorumSettings;
  readonly random: () => number;
  readonly log: LogBooksOptions;
  /** In force before the log says otherwise. */
  readonly configured: VoterSet;
  /** They stand in a bootstrap checkpoint, and may change: the first leader writes them into the log. */
  readonly isBootstrap?: boolean | undefined;
  /** What this node says of itself where voters may change; absent on an observer that is to stay one. */
  readonly own?: Voter | undefined;
  /** VotersRecords in the log, ascending. */
  readonly recorded?: readonly { readonly offset: number; readonly voters: VoterSet }[];
  /** What `quorum-state` said. */
  readonly election: ElectionState;
  /** It should have said something and did not: no vote is given to a log with records before a leader was heard. */
  readonly hasForgotten?: boolean | undefined;
}

/**
 * A node as it comes up. A leader that restarts is resigned: its log may have lost what it acknowledged to nobody, and no
 * offset may be written twice in one epoch. What it has voted for counts on.
 */
export function createQuorum(options: QuorumOptions, nowMs: number): Quorum {
  const { self, settings, random, election } = options;
  const log = new LogBooks(options.log);
  const voters = new VoterHistory(options.configured);
  for (const { offset, voters: set } of options.recorded ?? []) voters.add(offset, set);
  const isBehind = election.epoch < log.last.epoch;
  const epoch = isBehind ? log.last.epoch : election.epoch;
  const leaderId = isBehind ? -1 : election.leaderId;
  const voted = isBehind ? undefined : election.voted;
  const role: Unattached = { kind: 'unattached', electionDeadlineMs: Number.POSITIVE_INFINITY };
  const { own, isBootstrap = false, hasForgotten = false } = options;
  const highWatermark = log.snapshot?.offset ?? -1;
  const work = { fetching: undefined, fetchNotBeforeMs: 0, nextAsked: 0, isStopping: false, lostElections: 0 };
  const facts = { self, settings, random, log, voters, own, isBootstrap, hasForgotten };
  const known = { highWatermark, toldHighWatermark: -1 };
  const quorum: Quorum = { ...facts, epoch, leaderId, voted, role, ...known, nextUpdateMs: nowMs, ...work };
  quorum.role = firstRole(quorum, nowMs);
  return quorum;
}

function firstRole(quorum: Quorum, nowMs: number): Role {
  const electionDeadlineMs = Math.min(
    electionDeadline(quorum, nowMs),
    votes(quorum) ? firstDeadline(quorum, nowMs) : Number.POSITIVE_INFINITY,
  );
  if (quorum.leaderId === quorum.self.id && Number.isFinite(electionDeadlineMs)) {
    const silent = { unheard: new Set<number>(), successors: [], endDeadlineMs: Number.POSITIVE_INFINITY };
    return { kind: 'resigned', electionDeadlineMs, ...silent };
  }
  if (quorum.leaderId < 0) return { kind: 'unattached', electionDeadlineMs };
  return { ...newFollower(quorum, nowMs), fetchDeadlineMs: firstDeadline(quorum, nowMs) };
}

/** It need not wait long to ask: if there is a leader it hears of it by then, and if not, all may have just come up. */
function firstDeadline({ settings, random }: Quorum, nowMs: number): number {
  const { electionTimeoutMs } = settings;
  return nowMs + Math.ceil(electionTimeoutMs / 10 + (random() * electionTimeoutMs) / 4);
}

export function newFollower({ settings }: Quorum, nowMs: number): Follower {
  return { kind: 'follower', fetchDeadlineMs: nowMs + settings.fetchTimeoutMs, hasFetched: false, download: undefined };
}

/**
 * Whether it may be elected: as a voter, or as one that is being removed by a record that may not be committed. Perhaps
 * only its own log has that record, and then nobody else can be elected (Ongaro's thesis, 4.2.2).
 */
export function votes({ voters, self, highWatermark }: Quorum): boolean {
  if (isVoter(voters.current, self)) return true;
  return voters.currentOffset >= highWatermark && isVoter(voters.previous, self);
}

/** A random while from now; at once for the only voter, never for an observer. */
export function electionDeadline(quorum: Quorum, nowMs: number): number {
  if (!votes(quorum) || quorum.isStopping) return Number.POSITIVE_INFINITY;
  if (quorum.voters.current.every(({ id }) => id === quorum.self.id)) return nowMs;
  return randomDeadline(quorum, nowMs);
}

export function randomDeadline({ random, settings }: Quorum, nowMs: number): number {
  return nowMs + settings.electionTimeoutMs + Math.floor(random() * settings.electionTimeoutMs);
}

/** When `tick` has something to do; may be infinite. */
export function nextDeadlineMs(quorum: Quorum): number {
  const fetchMs = wantsFetch(quorum) ? quorum.fetchNotBeforeMs : Number.POSITIVE_INFINITY;
  const updateMs = hasMoved(quorum) ? quorum.nextUpdateMs : Number.POSITIVE_INFINITY;
  return Math.min(roleDeadlineMs(quorum.role), fetchMs, updateMs);
}

/** Whether a follower's leader should hear that it is found elsewhere than the voters' record says. */
export function hasMoved({ role, own, voters }: Quorum): boolean {
  if (own === undefined || role.kind !== 'follower' || !role.hasFetched || voters.currentOffset < 0) return false;
  const known = voters.current.find((voter) => isSameReplica(voter, own));
  return known !== undefined && !isSameVoter(known, own);
}

/** Whether a Fetch should be under way and is not. What came is fsynced before more is asked for. */
export function wantsFetch({ role, fetching, log, voters, self }: Quorum): boolean {
  if (fetching !== undefined || log.durableEnd < log.endOffset) return false;
  if (role.kind === 'follower') return role.download === undefined || !role.download.isWhole;
  return role.kind === 'unattached' && voters.current.some(({ id }) => id !== self.id);
}

function roleDeadlineMs(role: Role): number {
  switch (role.kind) {
    case 'follower':
      return role.fetchDeadlineMs;
    case 'leader': {
      const waiting = role.waiting.reduce(
        (least, { deadlineMs }) => Math.min(least, deadlineMs),
        role.quorumDeadlineMs,
      );
      return Math.min(waiting, role.beginDeadlineMs, role.change?.deadlineMs ?? Number.POSITIVE_INFINITY);
    }
    case 'resigned':
      return Math.min(role.electionDeadlineMs, role.endDeadlineMs);
    default:
      return role.electionDeadlineMs;
  }
}

export const electionStateOf = ({ epoch, leaderId, voted }: Quorum): ElectionState => ({ epoch, leaderId, voted });

/** Who leads, as we tell others: one that has given up, or has just come up, is not it any more. */
export const toldLeaderId = ({ role, leaderId }: Quorum): number => (role.kind === 'resigned' ? -1 : leaderId);

export const roleName = ({ role }: Quorum): RoleName => role.kind;

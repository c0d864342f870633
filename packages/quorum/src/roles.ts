/**
 * The transitions: each leaves the old role in order and enters the new one. Called by the parts of the machine that decide.
 */
import { append } from './appending.ts';
import type { RaftError } from './messages.ts';
import { Replicas } from './replicas.ts';
import { electionDeadline, newFollower, type Quorum, randomDeadline, votes } from './state.ts';
import { answer, answerPlainly, elect, enter, remember, type Turn } from './turn.ts';
import { isSameVoter, keyOf, voterOf, withVoter } from './voters.ts';

/** An epoch of which no leader is known; a vote that was given in it counts on. */
export function becomeUnattached(turn: Turn, epoch: number): void {
  const { quorum, nowMs } = turn;
  leave(turn, 'NOT_LEADER_OR_FOLLOWER');
  const isNew = epoch > quorum.epoch;
  elect(turn, epoch, -1, isNew ? undefined : quorum.voted);
  quorum.fetching = undefined;
  enter(turn, { kind: 'unattached', electionDeadlineMs: electionDeadline(quorum, nowMs) });
}

export function becomeFollower(turn: Turn, epoch: number, leaderId: number): void {
  const { quorum, nowMs } = turn;
  leave(turn, 'NOT_LEADER_OR_FOLLOWER');
  elect(turn, epoch, leaderId, epoch > quorum.epoch ? undefined : quorum.voted);
  quorum.fetching = undefined;
  quorum.fetchNotBeforeMs = nowMs;
  quorum.lostElections = 0;
  enter(turn, newFollower(quorum, nowMs));
}

/** Asks whether it would be elected, and changes nothing by asking. Alone, it need not ask. */
export function becomeProspective(turn: Turn): void {
  const { quorum, nowMs } = turn;
  if (!votes(quorum)) throw new Error('an observer cannot be elected');
  const electionDeadlineMs = electionDeadline(quorum, nowMs);
  enter(turn, { kind: 'prospective', electionDeadlineMs, granted: new Set([quorum.self.id]), rejected: new Set() });
}

export function becomeCandidate(turn: Turn): void {
  const { quorum, nowMs } = turn;
  elect(turn, quorum.epoch + 1, -1, quorum.self);
  const electionDeadlineMs = electionDeadline(quorum, nowMs);
  enter(turn, { kind: 'candidate', electionDeadlineMs, granted: new Set([quorum.self.id]), rejected: new Set() });
}

/** Its first record, the leader change, is what it must see on a majority before it knows what is committed. */
export function becomeLeader(turn: Turn, granting: ReadonlySet<number>): void {
  const { quorum, nowMs } = turn;
  const others = quorum.voters.current.filter(({ id }) => id !== quorum.self.id);
  elect(turn, quorum.epoch, quorum.self.id, quorum.self);
  quorum.lostElections = 0;
  remember(turn);
  const unheard = new Set(others.map(({ id }) => id));
  const quorumDeadlineMs = others.length === 0 ? Number.POSITIVE_INFINITY : nowMs + checkQuorumMs(quorum);
  const deadlines = { quorumDeadlineMs, beginDeadlineMs: unheard.size === 0 ? Number.POSITIVE_INFINITY : nowMs };
  const replicas = new Replicas(quorum.self.id, quorum.voters.current);
  const work = { unheard, heard: new Set<number>(), waiting: [], change: undefined };
  enter(turn, { kind: 'leader', epochStart: quorum.log.endOffset, granting, replicas, ...deadlines, ...work });
  const voters = quorum.voters.current.map(keyOf);
  const grantingVoters = voters.filter(({ id }) => granting.has(id));
  const recorded = votersToRecord(quorum);
  const recordCount = recorded === undefined ? 1 : recorded.isFirst ? 3 : 2;
  append(turn, { kind: 'leaderChange', voters, grantingVoters, recorded }, recordCount);
}

/** Of the very first leader of voters that may change, or of one that is found elsewhere than the log says. */
function votersToRecord({ voters, own, isBootstrap }: Quorum) {
  const isFirst = voters.currentOffset < 0;
  const known = own && voterOf(voters.current, own.id);
  const isMoved = own !== undefined && known !== undefined && !isSameVoter(known, own);
  if (isFirst ? !isBootstrap : !isMoved) return undefined;
  return { voters: isMoved ? withVoter(voters.current, own) : voters.current, isFirst };
}

/** Gives the lead up and tells the others until one of them has it, or nobody has for too long. */
export function becomeResigned(turn: Turn): void {
  const { quorum, nowMs } = turn;
  const unheard = new Set(quorum.voters.current.map(({ id }) => id).filter((id) => id !== quorum.self.id));
  leave(turn, 'NOT_LEADER_OR_FOLLOWER');
  const electionDeadlineMs = quorum.isStopping ? Number.POSITIVE_INFINITY : randomDeadline(quorum, nowMs);
  enter(turn, { kind: 'resigned', electionDeadlineMs, unheard, successors: [], endDeadlineMs: nowMs });
}

/** Kafka's factor: followers that are slow by half a time-out are still there. */
const CHECK_QUORUM_FACTOR = 1.5;

export const checkQuorumMs = ({ settings }: Quorum): number => settings.fetchTimeoutMs * CHECK_QUORUM_FACTOR;

/** Whoever waits for this leader is told. */
function leave(turn: Turn, error: RaftError): void {
  const { role, epoch, leaderId } = turn.quorum;
  if (role.kind !== 'leader') return;
  const { waiting, change } = role;
  role.waiting = [];
  role.change = undefined;
  for (const { from } of waiting) {
    answer(turn, from, { api: 'Fetch', error, epoch, leaderId, highWatermark: -1, batches: [] });
  }
  if (change?.from !== undefined) answerPlainly(turn, change.from.asker, change.api, error);
}

/**
 * Votes: who asks for them, who gets them. A vote is given at most once an epoch, to a log that is not older than ours;
 * a pre-vote binds nobody, and is refused by whoever has heard of a leader lately (KIP-996), so that a node that was cut
 * off and comes back does not unseat a leader that all the others follow.
 */

import { MACHINE_LIMITS } from './limits.ts';
import type { Asker, OffsetAndEpoch, VoteRequest, VoteResponse } from './messages.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomeProspective, becomeUnattached } from './roles.ts';
import type { Ballot, Follower, Quorum, Unattached } from './state.ts';
import { electionDeadline, toldLeaderId, votes } from './state.ts';
import { answer, elect, enter, remember, send, type Turn } from './turn.ts';
import { isSameReplica, keyOf, majorityOf, type ReplicaKey, voterOf } from './voters.ts';

/** The random while is over: a voter asks whether it should lead, an observer looks for a leader. */
export function standForElection(turn: Turn): void {
  const { quorum } = turn;
  if (!votes(quorum) || quorum.isStopping) return becomeUnattached(turn, quorum.epoch); // and wait for somebody else
  const isAlone = quorum.voters.current.length === 1;
  if (quorum.hasForgotten && !isAlone && !isEmpty(quorum.log.last)) return becomeUnattached(turn, quorum.epoch);
  becomeProspective(turn);
  askForVotes(turn);
  count(turn);
}

function askForVotes(turn: Turn): void {
  const { quorum } = turn;
  const preVote = quorum.role.kind === 'prospective';
  const request = { api: 'Vote', epoch: quorum.epoch, candidate: quorum.self, last: quorum.log.last, preVote } as const;
  for (const voter of quorum.voters.current) {
    if (voter.id !== quorum.self.id) send(turn, voter.id, { ...request, voter: keyOf(voter) });
  }
}

export function handleVote(turn: Turn, from: Asker, request: VoteRequest): void {
  const { quorum } = turn;
  const tell = (error: VoteResponse['error'], granted: boolean): void => {
    const { epoch } = quorum;
    const leaderId = toldLeaderId(quorum);
    answer(turn, from, { api: 'Vote', error, epoch, leaderId, granted });
  };
  if (request.epoch < quorum.epoch) return tell('FENCED_LEADER_EPOCH', false);
  if (request.epoch > quorum.epoch) becomeUnattached(turn, request.epoch);
  if (!isSameReplica(request.voter, quorum.self)) return tell('INVALID_VOTER_KEY', false);
  const granted = mayGrant(quorum, request);
  if (granted && !request.preVote) vote(turn, request.candidate);
  tell('NONE', granted);
}

/**
 * Who has forgotten what it did takes part in the first election of all, where no log has a record yet. In any other it
 * might vote a second time, or for a log without what it had promised to keep.
 */
function mayGrant(quorum: Quorum, { candidate, last, preVote }: VoteRequest): boolean {
  const isNewEnough = isNotOlder(last, quorum.log.last);
  const { role, voted } = quorum;
  if (quorum.hasForgotten && !isEmpty(last)) return false;
  if (preVote) {
    const follows = role.kind === 'follower' && role.hasFetched;
    const leads = role.kind === 'leader' && quorum.highWatermark > role.epochStart;
    return isNewEnough && !follows && !leads;
  }
  if (role.kind !== 'unattached' && role.kind !== 'prospective') return false;
  if (voted !== undefined) return isSameReplica(voted, candidate);
  return quorum.leaderId < 0 && isNewEnough;
}

const isEmpty = ({ offset }: OffsetAndEpoch): boolean => offset === 0;

function isNotOlder(one: OffsetAndEpoch, other: OffsetAndEpoch): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.offset >= other.offset);
}

/** It has as good a chance as we have: our own patience begins anew. */
function vote(turn: Turn, candidate: ReplicaKey): void {
  const { quorum, nowMs } = turn;
  elect(turn, quorum.epoch, quorum.leaderId, candidate);
  remember(turn);
  const electionDeadlineMs = electionDeadline(quorum, nowMs);
  if (quorum.role.kind === 'unattached') quorum.role.electionDeadlineMs = electionDeadlineMs;
  else enter(turn, { kind: 'unattached', electionDeadlineMs });
}

export function takeVote(turn: Turn, from: number, request: VoteRequest, response: VoteResponse): void {
  const { quorum } = turn;
  const { role } = quorum;
  if (role.kind !== 'prospective' && role.kind !== 'candidate') return;
  if (request.epoch !== quorum.epoch || request.preVote !== (role.kind === 'prospective')) return;
  if (voterOf(quorum.voters.current, from) === undefined) return;
  if (response.error !== 'NONE') role.rejected.add(from);
  else (response.granted ? role.granted : role.rejected).add(from);
  count(turn);
}

function count(turn: Turn): void {
  const { quorum } = turn;
  const { role } = quorum;
  if (role.kind !== 'prospective' && role.kind !== 'candidate') return;
  const needed = votesNeeded(quorum);
  if (countVoters(quorum, role.granted) >= needed) win(turn, role);
  else if (countVoters(quorum, role.rejected) > quorum.voters.current.length - needed) lose(turn);
}

/**
 * Who has no record is elected by all or by nobody: one voter with records is enough to show that this is not the beginning,
 * but others that have lost theirs, or never had any, must not outvote it.
 */
function votesNeeded({ voters, log }: Quorum): number {
  return isEmpty(log.last) ? voters.current.length : majorityOf(voters.current);
}

const countVoters = ({ voters }: Quorum, ids: ReadonlySet<number>): number =>
  voters.current.filter(({ id }) => ids.has(id)).length;

function win(turn: Turn, ballot: Ballot): void {
  if (turn.quorum.role.kind === 'candidate') return becomeLeader(turn, ballot.granted);
  becomeCandidate(turn);
  askForVotes(turn);
  count(turn);
}

/** A prospective node goes back to its leader, if it has one; either rests a little before it asks again. */
function lose(turn: Turn): void {
  const { quorum, nowMs } = turn;
  const { role, epoch, leaderId } = quorum;
  const again = nowMs + pauseMs(quorum);
  if (role.kind === 'candidate') role.electionDeadlineMs = again;
  else if (leaderId >= 0 && isVoterId(quorum, leaderId)) {
    const lost = quorum.lostElections;
    becomeFollower(turn, epoch, leaderId);
    quorum.lostElections = lost;
    (quorum.role as Follower).fetchDeadlineMs = again;
  } else {
    becomeUnattached(turn, epoch);
    (quorum.role as Unattached).electionDeadlineMs = again;
  }
}

/** Random, and longer each time, so that two that stand in each other's way get out of it. */
function pauseMs(quorum: Quorum): number {
  const { settings, random } = quorum;
  quorum.lostElections = Math.min(quorum.lostElections + 1, MACHINE_LIMITS.lostElections);
  const most = settings.retryBackoffMs * MACHINE_LIMITS.doubtBackoffs * 2 ** quorum.lostElections;
  return settings.retryBackoffMs + Math.floor(random() * Math.min(most, settings.electionTimeoutMs));
}

/** Who cannot be asked does not grant. */
export function voteFailed(turn: Turn, from: number, request: VoteRequest): void {
  const { epoch, role } = turn.quorum;
  if (role.kind !== 'prospective' && role.kind !== 'candidate') return;
  if (request.epoch !== epoch || request.preVote !== (role.kind === 'prospective') || role.granted.has(from)) return;
  role.rejected.add(from);
  count(turn);
}

const isVoterId = ({ voters }: Quorum, id: number): boolean => voterOf(voters.current, id) !== undefined;

/** The election has taken too long. */
export function electionTimedOut(turn: Turn): void {
  const { role } = turn.quorum;
  if (role.kind === 'prospective') lose(turn);
  else standForElection(turn);
}

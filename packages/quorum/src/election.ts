/**
 * Votes: who asks for them, who gets them. A vote is given at most once an epoch, to a log that is not older than ours;
 * a pre-vote binds nobody, and is refused by whoever has heard of a leader lately (KIP-996), so that a node that was cut
 * off and comes back does not unseat a leader that all the others follow.
 */
import type { Asker, OffsetAndEpoch, VoteRequest, VoteResponse } from './messages.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomeProspective, becomeUnattached } from './roles.ts';
import type { Ballot, Quorum } from './state.ts';
import { electionDeadline, votes } from './state.ts';
import { answer, elect, enter, send, type Turn } from './turn.ts';
import { isSameReplica, keyOf, majorityOf, type ReplicaKey, voterOf } from './voters.ts';

/** The random while is over. */
export function standForElection(turn: Turn): void {
  if (!votes(turn.quorum) || turn.quorum.isStopping) return;
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
    const { epoch, leaderId } = quorum;
    answer(turn, from, { api: 'Vote', error, epoch, leaderId, granted });
  };
  if (request.epoch < quorum.epoch) return tell('FENCED_LEADER_EPOCH', false);
  if (request.epoch > quorum.epoch) becomeUnattached(turn, request.epoch);
  if (!isSameReplica(request.voter, quorum.self)) return tell('INVALID_VOTER_KEY', false);
  const granted = mayGrant(quorum, request);
  if (granted && !request.preVote) vote(turn, request.candidate);
  tell('NONE', granted);
}

function mayGrant(quorum: Quorum, { candidate, last, preVote }: VoteRequest): boolean {
  const isNewEnough = isNotOlder(last, quorum.log.last);
  const { role, voted } = quorum;
  if (preVote) {
    const follows = role.kind === 'follower' && role.hasFetched;
    const leads = role.kind === 'leader' && quorum.highWatermark > role.epochStart;
    return isNewEnough && !follows && !leads;
  }
  if (role.kind !== 'unattached' && role.kind !== 'prospective') return false;
  if (voted !== undefined) return isSameReplica(voted, candidate);
  return quorum.leaderId < 0 && isNewEnough;
}

function isNotOlder(one: OffsetAndEpoch, other: OffsetAndEpoch): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.offset >= other.offset);
}

/** It has as good a chance as we have: our own patience begins anew. */
function vote(turn: Turn, candidate: ReplicaKey): void {
  const { quorum, nowMs } = turn;
  elect(turn, quorum.epoch, quorum.leaderId, candidate);
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
  const needed = majorityOf(quorum.voters.current);
  if (countVoters(quorum, role.granted) >= needed) win(turn, role);
  else if (countVoters(quorum, role.rejected) > quorum.voters.current.length - needed) lose(turn);
}

const countVoters = ({ voters }: Quorum, ids: ReadonlySet<number>): number =>
  voters.current.filter(({ id }) => ids.has(id)).length;

function win(turn: Turn, ballot: Ballot): void {
  if (turn.quorum.role.kind === 'candidate') return becomeLeader(turn, ballot.granted);
  becomeCandidate(turn);
  askForVotes(turn);
  count(turn);
}

/** A prospective node goes back to its leader, if it has one; a candidate rests before it asks again. */
function lose(turn: Turn): void {
  const { quorum } = turn;
  if (quorum.role.kind === 'candidate') return;
  if (quorum.leaderId >= 0 && isVoterId(quorum, quorum.leaderId)) becomeFollower(turn, quorum.epoch, quorum.leaderId);
  else becomeUnattached(turn, quorum.epoch);
}

const isVoterId = ({ voters }: Quorum, id: number): boolean => voterOf(voters.current, id) !== undefined;

/** The election has taken too long. */
export function electionTimedOut(turn: Turn): void {
  const { role } = turn.quorum;
  if (role.kind === 'prospective') lose(turn);
  else standForElection(turn);
}

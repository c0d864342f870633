/**
 * Voters that come, go and move (KIP-853), one at a time: the new set counts once its record is appended, and is answered
 * once it is committed. A leader that has not committed anything of its own yet changes nothing, or an older leader's
 * change might come back beside it.
 */
import { append } from './appending.ts';
import { resign } from './leadership.ts';
import { MACHINE_LIMITS } from './limits.ts';
import type { AddVoterRequest, Asker, RaftError, RemoveVoterRequest, UpdateVoterRequest } from './messages.ts';
import { checkQuorumMs } from './roles.ts';
import type { Leader } from './state.ts';
import { answerPlainly, type Turn } from './turn.ts';
import { isSameReplica, keyOf, type Voter, type VoterSet, voterOf, withVoter } from './voters.ts';

type ChangeRequest = AddVoterRequest | RemoveVoterRequest | UpdateVoterRequest;
type Refusal = readonly [RaftError, string];

/** The level of `kraft.version` at which voters can change. */
const RECONFIGURABLE = 1;

export function handleChange(turn: Turn, from: Asker, request: ChangeRequest): void {
  const { quorum, nowMs } = turn;
  const { role } = quorum;
  if (role.kind !== 'leader') return answerPlainly(turn, from, request.api, 'NOT_LEADER_OR_FOLLOWER');
  const refusal = whyNotNow(turn, role) ?? whyNot(turn, role, request);
  if (refusal !== undefined) return answerPlainly(turn, from, request.api, ...refusal);
  const voters = changed(quorum.voters.current, request);
  append(turn, { kind: 'voters', voters });
  followVoters(turn, role);
  const deadlineMs = nowMs + request.timeoutMs;
  const isLater = request.api !== 'AddRaftVoter' || request.ackWhenCommitted !== false;
  if (!isLater) answerPlainly(turn, from, request.api, 'NONE');
  role.change = {
    from: isLater ? { asker: from } : undefined,
    api: request.api,
    end: quorum.log.endOffset,
    deadlineMs,
  };
}

function whyNotNow({ quorum }: Turn, leader: Leader): Refusal | undefined {
  if (leader.change !== undefined) return ['REQUEST_TIMED_OUT', 'Another change of voters is under way.'];
  if (quorum.highWatermark <= leader.epochStart) {
    return ['REQUEST_TIMED_OUT', 'The leader has not committed a record in its epoch yet.'];
  }
  if (quorum.voters.currentOffset >= quorum.highWatermark) {
    return ['REQUEST_TIMED_OUT', 'The last change of voters is not committed yet.'];
  }
  const isOld = quorum.voters.current.some(({ maxKraftVersion }) => maxKraftVersion < RECONFIGURABLE);
  return isOld ? ['UNSUPPORTED_VERSION', 'A voter does not support kraft.version 1.'] : undefined;
}

function whyNot(turn: Turn, leader: Leader, request: ChangeRequest): Refusal | undefined {
  switch (request.api) {
    case 'AddRaftVoter':
      return whyNotAdded(turn, leader, request);
    case 'RemoveRaftVoter':
      return whyNotRemoved(turn.quorum.voters.current, request);
    case 'UpdateRaftVoter':
      return whyNotUpdated(turn, request);
  }
}

function whyNotAdded({ quorum, nowMs }: Turn, leader: Leader, request: AddVoterRequest): Refusal | undefined {
  const { voter } = request;
  if (voterOf(quorum.voters.current, voter.id) !== undefined) {
    return ['DUPLICATE_VOTER', `Node ${voter.id} is a voter already.`];
  }
  if (!request.isReachable) return ['REQUEST_TIMED_OUT', `Node ${voter.id} could not be reached at its endpoints.`];
  if (voter.maxKraftVersion < RECONFIGURABLE || voter.minKraftVersion > RECONFIGURABLE) {
    return ['INVALID_REQUEST', `Node ${voter.id} does not support kraft.version ${RECONFIGURABLE}.`];
  }
  const progress = leader.replicas.observer(voter);
  const isCaughtUp =
    progress !== undefined &&
    isSameReplica(progress.key, voter) &&
    progress.lastCaughtUpMs >= 0 &&
    progress.lastFetchMs > nowMs - MACHINE_LIMITS.caughtUpWithinMs;
  return isCaughtUp ? undefined : ['REQUEST_TIMED_OUT', `Node ${voter.id} has not fetched up to the leader’s end.`];
}

function whyNotRemoved(voters: VoterSet, { voter }: RemoveVoterRequest): Refusal | undefined {
  if (!voters.some((each) => isSameReplica(each, voter))) return ['VOTER_NOT_FOUND', `Node ${voter.id} is no voter.`];
  return voters.length === 1 ? ['INVALID_REQUEST', 'The last voter cannot be removed.'] : undefined;
}

function whyNotUpdated({ quorum }: Turn, { epoch, voter }: UpdateVoterRequest): Refusal | undefined {
  if (epoch < quorum.epoch) return ['FENCED_LEADER_EPOCH', ''];
  if (epoch > quorum.epoch) return ['UNKNOWN_LEADER_EPOCH', ''];
  const known = voterOf(quorum.voters.current, voter.id);
  if (known === undefined || !isSameReplica(known, voter)) return ['VOTER_NOT_FOUND', `Node ${voter.id} is no voter.`];
  const isAble = voter.minKraftVersion <= RECONFIGURABLE && voter.maxKraftVersion >= RECONFIGURABLE;
  return isAble ? undefined : ['INVALID_REQUEST', `Node ${voter.id} does not support kraft.version ${RECONFIGURABLE}.`];
}

function changed(voters: VoterSet, request: ChangeRequest): Voter[] {
  const { id } = request.voter;
  if (request.api === 'RemoveRaftVoter') return voters.filter((voter) => voter.id !== id);
  return withVoter(voters, request.voter);
}

/** The leader tells new voters that it leads, and expects nothing of those that went. */
function followVoters({ quorum, nowMs }: Turn, leader: Leader): void {
  const others = quorum.voters.current.filter(({ id }) => id !== quorum.self.id);
  for (const id of leader.replicas.follow(quorum.voters.current)) {
    leader.unheard.add(id);
    leader.beginDeadlineMs = nowMs;
  }
  for (const id of leader.unheard) if (!others.some((voter) => voter.id === id)) leader.unheard.delete(id);
  if (others.length === 0) leader.quorumDeadlineMs = Number.POSITIVE_INFINITY;
  else if (leader.quorumDeadlineMs === Number.POSITIVE_INFINITY) {
    leader.quorumDeadlineMs = nowMs + checkQuorumMs(quorum);
  }
}

/** Whether or not somebody still waits: the next change may come. */
function answerChange(turn: Turn, leader: Leader, error: RaftError, message?: string): void {
  const { change } = leader;
  leader.change = undefined;
  if (change?.from !== undefined) answerPlainly(turn, change.from.asker, change.api, error, message);
}

/** After the high watermark has moved, or time has passed. A leader that is no voter any more goes. */
export function settleChange(turn: Turn, leader: Leader): void {
  const { quorum, nowMs } = turn;
  const { change } = leader;
  if (change !== undefined && quorum.highWatermark >= change.end) answerChange(turn, leader, 'NONE');
  else if (change !== undefined && change.deadlineMs <= nowMs) {
    answerChange(turn, leader, 'REQUEST_TIMED_OUT', 'It is appended, and not committed yet.');
  }
  const isCommitted = quorum.voters.currentOffset < quorum.highWatermark;
  if (isCommitted && !quorum.voters.current.some((voter) => isSameReplica(voter, keyOf(quorum.self)))) resign(turn);
}

/**
 * Who leads, as told by the leader itself: BeginQuorumEpoch until every voter fetches, EndQuorumEpoch when it goes. And what
 * every answer tells about it: `learnLeader` is the one place where a node believes somebody else.
 */

import { MACHINE_LIMITS } from './limits.ts';
import type { Asker, BeginQuorumEpochRequest, EndQuorumEpochRequest } from './messages.ts';
import { becomeFollower, becomeResigned, becomeUnattached, checkQuorumMs } from './roles.ts';
import type { Leader, Resigned } from './state.ts';
import { answerPlainly, send, type Turn } from './turn.ts';
import { isSameReplica, keyOf, majorityOf, type ReplicaKey, voterOf } from './voters.ts';

/**
 * Believes a later epoch, and a leader where none was known. False if it is the past that speaks. Who asks for votes because
 * its leader is silent is not called back by hearing that leader's name.
 */
export function learnLeader(turn: Turn, epoch: number, leaderId: number): boolean {
  const { quorum } = turn;
  if (epoch < quorum.epoch) return false;
  const isKnown = leaderId >= 0 && leaderId !== quorum.self.id;
  if (epoch > quorum.epoch) {
    if (isKnown) becomeFollower(turn, epoch, leaderId);
    else becomeUnattached(turn, epoch);
  } else if (isKnown && quorum.leaderId < 0) becomeFollower(turn, epoch, leaderId);
  return true;
}

export function handleBegin(turn: Turn, from: Asker, request: BeginQuorumEpochRequest): void {
  const { quorum } = turn;
  if (!isSameReplica(request.voter, quorum.self)) {
    return answerPlainly(turn, from, 'BeginQuorumEpoch', 'INVALID_VOTER_KEY');
  }
  if (!learnLeader(turn, request.epoch, request.leaderId)) {
    return answerPlainly(turn, from, 'BeginQuorumEpoch', 'FENCED_LEADER_EPOCH');
  }
  if (quorum.role.kind === 'follower') quorum.role.fetchDeadlineMs = turn.nowMs + quorum.settings.fetchTimeoutMs;
  answerPlainly(turn, from, 'BeginQuorumEpoch', 'NONE');
}

/** The leader goes: the first of its chosen stands at once, the others later, so that they do not stand in its way. */
export function handleEnd(turn: Turn, from: Asker, request: EndQuorumEpochRequest): void {
  const { quorum, nowMs } = turn;
  if (!learnLeader(turn, request.epoch, request.leaderId)) {
    return answerPlainly(turn, from, 'EndQuorumEpoch', 'FENCED_LEADER_EPOCH');
  }
  const { role } = quorum;
  if (role.kind === 'follower' && quorum.leaderId === request.leaderId) {
    const place = request.preferredSuccessors.findIndex((key) => isSameReplica(key, quorum.self));
    const turns = place === -1 ? request.preferredSuccessors.length + 1 : place;
    const delayMs = turns === 0 ? 0 : turns * quorum.settings.retryBackoffMs * (1 + quorum.random());
    role.fetchDeadlineMs = Math.min(role.fetchDeadlineMs, nowMs + Math.ceil(delayMs));
    role.hasFetched = false; // nobody is unseated by who stands now
  }
  answerPlainly(turn, from, 'EndQuorumEpoch', 'NONE');
}

/**
 * Nobody seems to be where the leader was. We ask at once whether we should lead, a little apart from others who have seen
 * the same, and stand in nobody's way; if it lives after all, whoever hears of it refuses, and all is as it was.
 */
export function doubtLeader({ quorum, nowMs }: Turn, leaderId: number): void {
  const { role, settings, random } = quorum;
  if (role.kind !== 'follower' || quorum.leaderId !== leaderId) return;
  const delayMs = Math.ceil(random() * MACHINE_LIMITS.doubtBackoffs * settings.retryBackoffMs);
  role.fetchDeadlineMs = Math.min(role.fetchDeadlineMs, nowMs + delayMs);
  role.hasFetched = false;
}

/** Tells the voters that have not fetched; again after half a fetch time-out. */
export function tellOfLead(turn: Turn, leader: Leader): void {
  const { quorum, nowMs } = turn;
  leader.beginDeadlineMs =
    leader.unheard.size === 0 ? Number.POSITIVE_INFINITY : nowMs + Math.floor(quorum.settings.fetchTimeoutMs / 2);
  for (const id of leader.unheard) {
    const voter = voterOf(quorum.voters.current, id);
    if (voter === undefined) continue;
    send(turn, id, { api: 'BeginQuorumEpoch', epoch: quorum.epoch, leaderId: quorum.self.id, voter: keyOf(voter) });
  }
}

/** A voter fetches: with a majority of them the lead is sure for another while. */
export function noteVoter(turn: Turn, leader: Leader, replica: ReplicaKey): void {
  const { quorum, nowMs } = turn;
  const voters = quorum.voters.current;
  if (!voters.some((voter) => isSameReplica(voter, replica))) return;
  leader.unheard.delete(replica.id);
  if (leader.unheard.size === 0) leader.beginDeadlineMs = Number.POSITIVE_INFINITY;
  leader.heard.add(replica.id);
  const own = voterOf(voters, quorum.self.id) === undefined ? 0 : 1;
  if (leader.heard.size + own < majorityOf(voters)) return;
  leader.heard.clear();
  leader.quorumDeadlineMs = nowMs + checkQuorumMs(quorum);
}

/** An orderly stop, or no majority has been heard for too long. Best successors first. */
export function resign(turn: Turn): void {
  const { role } = turn.quorum;
  if (role.kind !== 'leader') return;
  const successors = role.replicas
    .voters()
    .sort((a, b) => b.endOffset - a.endOffset || a.key.id - b.key.id)
    .map(({ key }) => key);
  becomeResigned(turn);
  const resigned = turn.quorum.role as Resigned;
  resigned.successors = successors;
  tellOfEnd(turn, resigned);
}

/** Until each has heard it. */
export function tellOfEnd(turn: Turn, role: Resigned): void {
  const { quorum, nowMs } = turn;
  role.endDeadlineMs = role.unheard.size === 0 ? Number.POSITIVE_INFINITY : nowMs + quorum.settings.retryBackoffMs;
  const request = { api: 'EndQuorumEpoch', epoch: quorum.epoch, leaderId: quorum.self.id } as const;
  for (const id of role.unheard) send(turn, id, { ...request, preferredSuccessors: role.successors });
}

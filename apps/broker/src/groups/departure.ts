/**
 * How members go in the group machine: by LeaveGroup, or because nothing was heard of them for a session. Called by
 * `step.ts`.
 */
import { ERROR } from '@meridian/protocol';
import { joinError, type LeftMember, syncError } from './answers.ts';
import { hasAllJoined, type Member, removeMember } from './classic-group.ts';
import type { LeaveInput } from './messages.ts';
import { completeJoin, completeJoinIfReady, rebalanceOrComplete } from './rebalance.ts';
import { answerMemberJoin, answerMemberSync, cancelSession, memberError, type Turn } from './turn.ts';

/** Each member for itself; one rebalance for all. */
export function leave(turn: Turn, { members }: LeaveInput): void {
  const { group } = turn;
  if (group.state === 'Dead') {
    turn.effects.push({ kind: 'answerLeave', errorCode: ERROR.COORDINATOR_NOT_AVAILABLE, members: [] });
    return;
  }
  const left: LeftMember[] = members.map(({ memberId, groupInstanceId }) => {
    const errorCode = leaveOne(turn, memberId, groupInstanceId);
    return { memberId, groupInstanceId, errorCode };
  });
  if (left.some(({ errorCode }) => errorCode === ERROR.NONE)) {
    if (group.state === 'Stable' || group.state === 'CompletingRebalance') rebalanceOrComplete(turn);
    else completeJoinIfReady(turn);
  }
  turn.effects.push({ kind: 'answerLeave', errorCode: ERROR.NONE, members: left });
}

/** A static member may be named by its instance id alone, which is how an admin removes it. */
function leaveOne(turn: Turn, memberId: string, instanceId: string | null): number {
  const { group } = turn;
  if (memberId === '') {
    const current = instanceId === null ? undefined : group.staticMembers.get(instanceId);
    if (current === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    remove(turn, group.members.get(current)!);
    return ERROR.NONE;
  }
  if (group.pendingJoin.has(memberId)) {
    removeMember(group, memberId);
    cancelSession(turn, memberId);
    return ERROR.NONE;
  }
  const error = memberError(group, memberId, instanceId);
  if (error === ERROR.NONE) remove(turn, group.members.get(memberId)!);
  return error;
}

function remove(turn: Turn, member: Member): void {
  cancelSession(turn, member.memberId);
  answerMemberJoin(turn, member, joinError(ERROR.UNKNOWN_MEMBER_ID, ''));
  answerMemberSync(turn, member, syncError(ERROR.UNKNOWN_MEMBER_ID));
  removeMember(turn.group, member.memberId);
}

/** Whoever waits for an answer of ours cannot send heartbeats meanwhile, and need not; new members must join in time. */
export function endSession(turn: Turn, memberId: string): void {
  const { group } = turn;
  if (group.pendingJoin.has(memberId)) {
    removeMember(group, memberId);
    if (group.state === 'PreparingRebalance' && hasAllJoined(group)) completeJoin(turn);
    return;
  }
  const member = group.members.get(memberId);
  if (member === undefined) return;
  const isWaiting = member.awaitingJoin !== undefined || member.awaitingSync !== undefined;
  if (isWaiting && !member.isNew) return;
  answerMemberJoin(turn, member, joinError(ERROR.UNKNOWN_MEMBER_ID, ''));
  removeMember(group, memberId);
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') rebalanceOrComplete(turn);
  else if (group.state === 'PreparingRebalance' && hasAllJoined(group)) completeJoin(turn);
}

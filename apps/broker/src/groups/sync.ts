/**
 * SyncGroup in the group machine: the leader hands in the assignment, the others wait for theirs. Called by `step.ts`.
 * Invariant: an assignment is told only in the generation that it was made for, and after it was stored.
 */
import { ERROR } from '@meridian/protocol';
import { syncError } from './answers.ts';
import { type ClassicGroup, NO_ASSIGNMENT, removeMember } from './classic-group.ts';
import type { StoredThen, SyncInput } from './messages.ts';
import { prepareRebalance, rebalanceOrComplete, takeAssignmentsBack } from './rebalance.ts';
import {
  answerMemberSync,
  armSession,
  cancelSession,
  groupMetadata,
  memberError,
  type Turn,
  transition,
} from './turn.ts';

export function sync(turn: Turn, input: SyncInput): void {
  const { group } = turn;
  const error = syncErrorOf(group, input);
  if (error !== ERROR.NONE) {
    turn.effects.push({ kind: 'answerSync', to: input.waiter, answer: syncError(error) });
    return;
  }
  const member = group.members.get(input.memberId)!;
  answerMemberSync(turn, member, syncError(ERROR.REBALANCE_IN_PROGRESS)); // an earlier request that it has given up
  member.awaitingSync = input.waiter;
  noteSynced(turn, input.memberId);
  if (group.state === 'Stable') answerMemberSync(turn, member, assignmentOf(group, member.assignment));
  else if (group.leader === input.memberId) storeAssignments(turn, input);
}

function syncErrorOf(group: ClassicGroup, input: SyncInput): number {
  if (group.state === 'Dead') return ERROR.COORDINATOR_NOT_AVAILABLE;
  const error = memberError(group, input.memberId, input.instanceId);
  if (error !== ERROR.NONE) return error;
  if (input.generationId !== group.generation) return ERROR.ILLEGAL_GENERATION;
  if (differs(input.protocolType, group.protocolType) || differs(input.protocolName, group.protocolName)) {
    return ERROR.INCONSISTENT_GROUP_PROTOCOL;
  }
  return group.state === 'PreparingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
}

function differs(said: string | null, held: string | null): boolean {
  return said !== null && held !== null && said !== held;
}

function noteSynced(turn: Turn, memberId: string): void {
  turn.group.pendingSync.delete(memberId);
  if (turn.group.pendingSync.size === 0) turn.effects.push({ kind: 'cancel', timer: 'sync' });
}

/** Members that the leader forgot are assigned nothing. */
function storeAssignments(turn: Turn, input: SyncInput): void {
  const { group } = turn;
  const assignments = new Map(input.assignments);
  for (const memberId of group.members.keys()) {
    if (!assignments.has(memberId)) assignments.set(memberId, NO_ASSIGNMENT);
  }
  const next = { kind: 'assign', generation: group.generation, assignments } as const;
  turn.effects.push({ kind: 'store', value: groupMetadata(group, assignments), next });
}

/** If the group has moved on meanwhile, its members have been told so already. */
export function finishAssignment(
  turn: Turn,
  { generation, assignments }: Extract<StoredThen, { kind: 'assign' }>,
  errorCode: number,
): void {
  const { group } = turn;
  if (group.state !== 'CompletingRebalance' || group.generation !== generation) return;
  if (errorCode !== ERROR.NONE) {
    takeAssignmentsBack(turn, errorCode);
    return rebalanceOrComplete(turn);
  }
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? NO_ASSIGNMENT;
    if (answerMemberSync(turn, member, assignmentOf(group, member.assignment))) armSession(turn, member);
  }
  transition(turn, 'Stable');
}

function assignmentOf({ protocolType, protocolName }: ClassicGroup, assignment: Buffer) {
  return { errorCode: ERROR.NONE, protocolType, protocolName, assignment };
}

/** Members that joined this generation and never asked for their assignment are out. */
export function endSync(turn: Turn, generation: number): void {
  const { group } = turn;
  const isOn = group.state === 'CompletingRebalance' || group.state === 'Stable';
  if (group.generation !== generation || !isOn || group.pendingSync.size === 0) return;
  for (const memberId of [...group.pendingSync]) {
    removeMember(group, memberId);
    cancelSession(turn, memberId);
  }
  prepareRebalance(turn);
}

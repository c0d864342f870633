/**
 * A rebalance in the group machine: it is prepared when somebody comes, goes or changes, waits until everybody has joined
 * or the time is up, and ends in the next generation. Called by the other parts of the machine.
 * Invariant: while a group prepares a rebalance, the timer `join` is set.
 */
import { ERROR } from '@meridian/protocol';
import { syncError } from './answers.ts';
import {
  type ClassicGroup,
  computeSubscribedTopics,
  hasAllJoined,
  NO_ASSIGNMENT,
  rebalanceTimeoutMs,
  removeMember,
  selectProtocol,
} from './classic-group.ts';
import {
  answerMemberJoin,
  answerMemberSync,
  armSession,
  cancelSession,
  currentGeneration,
  groupMetadata,
  mayBecome,
  type Turn,
  transition,
} from './turn.ts';

/** Somebody has come, gone or changed. */
export function rebalanceOrComplete(turn: Turn): void {
  if (mayBecome(turn.group, 'PreparingRebalance')) prepareRebalance(turn);
  else completeJoinIfReady(turn);
}

export function prepareRebalance(turn: Turn): void {
  const { group, settings } = turn;
  if (group.state === 'CompletingRebalance') takeAssignmentsBack(turn, ERROR.REBALANCE_IN_PROGRESS);
  group.pendingSync.clear();
  turn.effects.push({ kind: 'cancel', timer: 'sync' });
  const isInitial = group.state === 'Empty';
  if (isInitial) {
    const delayMs = settings.initialRebalanceDelayMs;
    armInitialDelay(turn, delayMs, Math.max(rebalanceTimeoutMs(group) - delayMs, 0), delayMs);
  }
  transition(turn, 'PreparingRebalance');
  if (isInitial) return;
  if (hasAllJoined(group)) completeJoin(turn);
  else armJoin(turn);
}

/** Members that wait for the assignment of this generation will get none. */
export function takeAssignmentsBack(turn: Turn, errorCode: number): void {
  for (const member of turn.group.members.values()) {
    member.assignment = NO_ASSIGNMENT;
    if (answerMemberSync(turn, member, syncError(errorCode))) armSession(turn, member);
  }
}

function armJoin(turn: Turn): void {
  const delayMs = rebalanceTimeoutMs(turn.group);
  turn.effects.push({ kind: 'arm', timer: 'join', delayMs, input: { kind: 'joinOver' } });
}

function armInitialDelay(turn: Turn, delayMs: number, remainingMs: number, timerMs: number): void {
  const input = { kind: 'initialDelayOver', delayMs, remainingMs } as const;
  turn.effects.push({ kind: 'arm', timer: 'join', delayMs: timerMs, input });
}

/** A new group waits again as long as members keep coming, up to their rebalance timeout in all. */
export function endInitialDelay(turn: Turn, delayMs: number, remainingMs: number): void {
  const { group, settings } = turn;
  if (!group.newMemberAdded || remainingMs === 0) return completeJoin(turn);
  group.newMemberAdded = false;
  const nextDelayMs = Math.min(settings.initialRebalanceDelayMs, remainingMs);
  armInitialDelay(turn, nextDelayMs, Math.max(remainingMs - delayMs, 0), nextDelayMs);
}

/** Unless this is a new group's initial delay, which runs its time. */
export function completeJoinIfReady(turn: Turn): void {
  const { group } = turn;
  if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return;
  if (hasAllJoined(group)) completeJoin(turn);
}

/** Everybody has joined, or the time is up: dynamic members that have not are out, static ones keep their place. */
export function completeJoin(turn: Turn): void {
  const { group } = turn;
  turn.effects.push({ kind: 'cancel', timer: 'join' });
  for (const { memberId, instanceId, awaitingJoin } of [...group.members.values()]) {
    if (awaitingJoin !== undefined || instanceId !== null) continue;
    removeMember(group, memberId);
    cancelSession(turn, memberId);
  }
  if (!electLeader(group) && group.members.size > 0) return armJoin(turn);
  beginGeneration(turn);
  if (group.state === 'Empty') turn.effects.push({ kind: 'store', value: groupMetadata(group), next: undefined });
  else tellGeneration(turn);
}

/** A leader that has not joined gives way to a member that has. False if there is none. */
function electLeader(group: ClassicGroup): boolean {
  if (group.leader === null) return false;
  if (group.members.get(group.leader)?.awaitingJoin !== undefined) return true;
  for (const member of group.members.values()) {
    if (member.awaitingJoin === undefined) continue;
    group.leader = member.memberId;
    return true;
  }
  return false;
}

function beginGeneration(turn: Turn): void {
  const { group } = turn;
  const isEmpty = group.members.size === 0;
  group.generation++;
  group.protocolName = isEmpty ? null : selectProtocol(group);
  group.subscribedTopics = computeSubscribedTopics(group);
  transition(turn, isEmpty ? 'Empty' : 'CompletingRebalance');
  group.pendingSync.clear();
}

function tellGeneration(turn: Turn): void {
  const { group } = turn;
  for (const member of group.members.values()) {
    answerMemberJoin(turn, member, currentGeneration(group, member.memberId));
    armSession(turn, member);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
  }
  const input = { kind: 'syncOver', generation: group.generation } as const;
  turn.effects.push({ kind: 'arm', timer: 'sync', delayMs: rebalanceTimeoutMs(group), input });
}

/**
 * One step of the group machine under way: the group, the time, and the effects so far; with the few moves that every part
 * of the machine makes.
 * Invariant: a waiter is answered once and then forgotten by its member.
 */
import { ERROR } from '@meridian/protocol';
import { type JoinAnswer, joinError, type SyncAnswer } from './answers.ts';
import {
  awaitJoin,
  type ClassicGroup,
  type GroupState,
  type JoinWaiter,
  type Member,
  metadataOf,
} from './classic-group.ts';
import type { GroupSettings } from './group-settings.ts';
import type { GroupEffect, GroupMetadata } from './messages.ts';

export interface Turn {
  readonly group: ClassicGroup;
  readonly nowMs: number;
  readonly settings: GroupSettings;
  readonly effects: GroupEffect[];
}

const MAY_COME_FROM: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Empty', 'CompletingRebalance', 'Stable'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'],
};

export function mayBecome(group: ClassicGroup, state: GroupState): boolean {
  return MAY_COME_FROM[state].includes(group.state);
}

export function transition({ group, nowMs }: Turn, state: GroupState): void {
  if (!mayBecome(group, state)) throw new Error(`group ${group.groupId} cannot go from ${group.state} to ${state}`);
  group.previousState = group.state;
  group.state = state;
  group.stateSinceMs = nowMs;
}

/** Kafka's check of who says what: an instance id holds one member id, and the member has to be there. */
export function memberError(group: ClassicGroup, memberId: string, instanceId: string | null): number {
  if (instanceId !== null) {
    const current = group.staticMembers.get(instanceId);
    if (current === undefined) return ERROR.UNKNOWN_MEMBER_ID;
    if (current !== memberId) return ERROR.FENCED_INSTANCE_ID;
  }
  return group.members.has(memberId) ? ERROR.NONE : ERROR.UNKNOWN_MEMBER_ID;
}

export function answerJoin(turn: Turn, to: JoinWaiter, answer: JoinAnswer): void {
  turn.effects.push({ kind: 'answerJoin', to, answer });
}

export function answerMemberJoin(turn: Turn, member: Member, answer: JoinAnswer): void {
  if (member.awaitingJoin === undefined) return;
  answerJoin(turn, member.awaitingJoin, answer);
  awaitJoin(turn.group, member, undefined);
}

/** The member waits for the rebalance; whoever waited in its name before has to ask again. */
export function waitForJoin(turn: Turn, member: Member, waiter: JoinWaiter): void {
  answerMemberJoin(turn, member, joinError(ERROR.REBALANCE_IN_PROGRESS, member.memberId));
  awaitJoin(turn.group, member, waiter);
}

/** True if the member was waiting. */
export function answerMemberSync(turn: Turn, member: Member, answer: SyncAnswer): boolean {
  const to = member.awaitingSync;
  if (to === undefined) return false;
  member.awaitingSync = undefined;
  turn.effects.push({ kind: 'answerSync', to, answer });
  return true;
}

/** The generation as it stands, for a member that joins or has joined. */
export function currentGeneration(group: ClassicGroup, memberId: string): JoinAnswer {
  const { generation, protocolType, protocolName, leader } = group;
  const members = leader === memberId ? [...group.members.values()] : [];
  return {
    errorCode: ERROR.NONE,
    memberId,
    generationId: generation,
    protocolType,
    protocolName,
    leader: leader ?? '',
    skipAssignment: false,
    members: members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      metadata: metadataOf(member, protocolName),
    })),
  };
}

const sessionTimer = (memberId: string): string => `session ${memberId}`;

/** The member's session begins anew. */
export function armSession(turn: Turn, member: Member, delayMs = member.sessionTimeoutMs): void {
  armSessionOf(turn, member.memberId, delayMs);
}

export function armSessionOf(turn: Turn, memberId: string, delayMs: number): void {
  const input = { kind: 'sessionOver', memberId } as const;
  turn.effects.push({ kind: 'arm', timer: sessionTimer(memberId), delayMs, input });
}

export function cancelSession(turn: Turn, memberId: string): void {
  turn.effects.push({ kind: 'cancel', timer: sessionTimer(memberId) });
}

/** The group as it is written down. Without assignments each member keeps the one it has. */
export function groupMetadata(group: ClassicGroup, assignments?: ReadonlyMap<string, Buffer>): GroupMetadata {
  return {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leader,
    currentStateTimestamp: group.stateSinceMs,
    members: Array.from(group.members.values(), (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: metadataOf(member, group.protocolName),
      assignment: assignments?.get(member.memberId) ?? member.assignment,
    })),
  };
}

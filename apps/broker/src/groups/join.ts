/**
 * JoinGroup in the group machine: who is let in, who is given an id first, who takes whose place, and who causes a
 * rebalance by coming. Called by `step.ts`.
 * Invariant: whoever is let in waits, in its member's `awaitingJoin`, or has been answered.
 */
import { ERROR } from '@meridian/protocol';
import { joinError } from './answers.ts';
import {
  addMember,
  awaitJoin,
  type ClassicGroup,
  changeProtocols,
  type Member,
  type MemberProtocol,
  NO_ASSIGNMENT,
  removeMember,
  replaceMember,
  selectProtocol,
  supportsProtocols,
} from './classic-group.ts';
import { GROUP_LIMITS } from './limits.ts';
import type { JoinInput, StoredThen } from './messages.ts';
import { completeJoinIfReady, prepareRebalance, rebalanceOrComplete } from './rebalance.ts';
import {
  answerJoin,
  answerMemberJoin,
  answerMemberSync,
  armSession,
  armSessionOf,
  currentGeneration,
  groupMetadata,
  memberError,
  type Turn,
  waitForJoin,
} from './turn.ts';

export function join(turn: Turn, input: JoinInput): void {
  const { group } = turn;
  const refuse = (errorCode: number, memberId = input.memberId) =>
    answerJoin(turn, input.waiter, joinError(errorCode, memberId));
  if (!hasRoomFor(turn, input.memberId)) {
    removeMember(group, input.memberId);
    return refuse(ERROR.GROUP_MAX_SIZE_REACHED, '');
  }
  if (group.state === 'Dead') return refuse(ERROR.COORDINATOR_NOT_AVAILABLE);
  if (!supportsProtocols(group, input.protocolType, input.protocols)) return refuse(ERROR.INCONSISTENT_GROUP_PROTOCOL);
  if (input.memberId === '') return joinNew(turn, input);
  if (group.pendingJoin.has(input.memberId)) {
    // Ids are given first to dynamic members only; a static one that shows such an id is beyond the protocol.
    return input.instanceId === null ? add(turn, input, input.memberId) : refuse(ERROR.UNKNOWN_SERVER_ERROR);
  }
  const error = memberError(group, input.memberId, input.instanceId);
  if (error !== ERROR.NONE) return refuse(error);
  rejoin(turn, input, group.members.get(input.memberId)!);
}

function hasRoomFor({ group, settings }: Turn, memberId: string): boolean {
  const member = group.members.get(memberId);
  switch (group.state) {
    case 'PreparingRebalance':
      return member?.awaitingJoin !== undefined || group.awaitingJoin < settings.maxSize;
    case 'CompletingRebalance':
    case 'Stable':
      return member !== undefined || group.members.size < settings.maxSize;
    default:
      return true;
  }
}

function joinNew(turn: Turn, input: JoinInput): void {
  const { group } = turn;
  const { newMemberId } = input;
  const oldMemberId = input.instanceId === null ? undefined : group.staticMembers.get(input.instanceId);
  if (oldMemberId !== undefined) return replace(turn, input, group.members.get(oldMemberId)!);
  if (input.instanceId !== null || !input.takesIdFirst) return add(turn, input, newMemberId);
  if (group.pendingJoin.size >= GROUP_LIMITS.pendingMembers) {
    return answerJoin(turn, input.waiter, joinError(ERROR.GROUP_MAX_SIZE_REACHED, ''));
  }
  group.pendingJoin.add(newMemberId);
  armSessionOf(turn, newMemberId, input.sessionTimeoutMs);
  answerJoin(turn, input.waiter, joinError(ERROR.MEMBER_ID_REQUIRED, newMemberId));
}

function add(turn: Turn, input: JoinInput, memberId: string): void {
  const { group, settings } = turn;
  const { instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocolType, protocols } = input;
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') group.newMemberAdded = true;
  const member: Member = {
    memberId,
    instanceId,
    clientId,
    clientHost,
    rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocolType,
    protocols,
    assignment: NO_ASSIGNMENT,
    awaitingJoin: input.waiter,
    awaitingSync: undefined,
    isNew: true,
  };
  addMember(group, member);
  armSession(turn, member, settings.newMemberJoinTimeoutMs);
  rebalanceOrComplete(turn);
}

function rejoin(turn: Turn, input: JoinInput, member: Member): void {
  const { group } = turn;
  const isSame = matches(member.protocols, input.protocols);
  switch (group.state) {
    case 'PreparingRebalance':
      return update(turn, input, member);
    case 'CompletingRebalance':
      // It has not heard the answer to its join of before.
      return isSame ? repeat(turn, input) : update(turn, input, member);
    case 'Stable':
      return isSame && group.leader !== member.memberId ? repeat(turn, input) : update(turn, input, member);
    default:
      answerJoin(turn, input.waiter, joinError(ERROR.UNKNOWN_MEMBER_ID, input.memberId));
  }
}

function repeat(turn: Turn, { waiter, memberId }: JoinInput): void {
  answerJoin(turn, waiter, currentGeneration(turn.group, memberId));
}

function update(turn: Turn, input: JoinInput, member: Member): void {
  takeOver(turn, input, member);
  rebalanceOrComplete(turn);
}

/** What the member says of itself now holds. */
function takeOver(turn: Turn, input: JoinInput, member: Member): void {
  changeProtocols(turn.group, member, input.protocols);
  member.rebalanceTimeoutMs = input.rebalanceTimeoutMs;
  member.sessionTimeoutMs = input.sessionTimeoutMs;
  waitForJoin(turn, member, input.waiter);
}

/** The same subscription in the same order. */
function matches(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return (
    a.length === b.length && a.every(({ name, metadata }, i) => name === b[i]!.name && metadata.equals(b[i]!.metadata))
  );
}

/** A static member comes back without its id: its old self is fenced, and the new one stands in its place. */
function replace(turn: Turn, input: JoinInput, old: Member): void {
  const { group } = turn;
  const { leader } = group;
  const fenced = { ...joinError(ERROR.FENCED_INSTANCE_ID, old.memberId) };
  answerMemberJoin(turn, old, fenced);
  const noAssignment = { protocolType: null, protocolName: null, assignment: NO_ASSIGNMENT };
  answerMemberSync(turn, old, { errorCode: ERROR.FENCED_INSTANCE_ID, ...noAssignment });
  const member = replaceMember(group, old, input.newMemberId);
  armSession(turn, member);
  takeOver(turn, input, member);
  if (group.state === 'Stable') return replaceInStable(turn, input, old, leader);
  if (group.state === 'CompletingRebalance') return prepareRebalance(turn);
  completeJoinIfReady(turn);
}

function replaceInStable(turn: Turn, input: JoinInput, old: Member, oldLeader: string | null): void {
  const { group } = turn;
  if (selectProtocol(group) !== group.protocolName) return rebalanceOrComplete(turn);
  const next: StoredThen = {
    kind: 'replaced',
    waiter: input.waiter,
    memberId: input.newMemberId,
    oldMemberId: old.memberId,
    oldLeader,
    oldProtocols: old.protocols,
    oldRebalanceTimeoutMs: old.rebalanceTimeoutMs,
    oldSessionTimeoutMs: old.sessionTimeoutMs,
    knowsSkipAssignment: input.knowsSkipAssignment,
  };
  turn.effects.push({ kind: 'store', value: groupMetadata(group), next });
}

/** If a rebalance has begun meanwhile, that answers the member. */
export function finishReplacement(
  turn: Turn,
  next: Extract<StoredThen, { kind: 'replaced' }>,
  errorCode: number,
): void {
  const { group } = turn;
  const member = group.members.get(next.memberId);
  if (member === undefined) return;
  if (errorCode !== ERROR.NONE) return restore(turn, next, member, errorCode);
  if (group.state !== 'Stable') return;
  const now = currentGeneration(group, next.memberId);
  const skipAssignment = group.leader === next.memberId;
  // An older client that were told that it leads would assign anew: it is told its old id, and so takes itself to follow.
  const answer = next.knowsSkipAssignment
    ? { ...now, skipAssignment }
    : { ...now, leader: next.oldLeader ?? '', members: [] };
  answerMemberJoin(turn, member, answer);
}

/** It could not be written down: the old self stands again. */
function restore(turn: Turn, next: Extract<StoredThen, { kind: 'replaced' }>, member: Member, errorCode: number): void {
  const { group } = turn;
  awaitJoin(group, member, undefined);
  changeProtocols(group, member, next.oldProtocols);
  member.rebalanceTimeoutMs = next.oldRebalanceTimeoutMs;
  member.sessionTimeoutMs = next.oldSessionTimeoutMs;
  armSession(turn, replaceMember(group, member, next.oldMemberId));
  answerJoin(turn, next.waiter, { ...currentOf(group, next.oldLeader), errorCode });
}

function currentOf(group: ClassicGroup, leader: string | null) {
  return { ...currentGeneration(group, ''), leader: leader ?? '' };
}

/**
 * A classic consumer group as a pure machine: `group-shard.ts` feeds it requests, timers and written records, and performs
 * what it returns. It behaves as Apache Kafka's coordinator does for the classic protocol.
 *
 *     state               | input                                   | becomes
 *     Empty               | a member joins                          | PreparingRebalance, for the initial delay
 *     PreparingRebalance  | all have joined, or the time is up      | CompletingRebalance; Empty if nobody is left
 *     CompletingRebalance | the leader's assignment is stored       | Stable
 *     CompletingRebalance | a member comes, goes, changes or is late | PreparingRebalance; waiting syncs fail
 *     Stable              | a member comes, goes or changes,        | PreparingRebalance
 *                         | or the leader joins again               |
 *     any                 | the group ends here                     | Dead; all that wait are told
 *
 * A static member that comes back under a new id takes the place of its old self: a stable group stays stable if its
 * protocol does. Times in between (session, rebalance, sync) are timers by name; setting one replaces it.
 * Invariant: a generation's assignment is told to nobody before it is stored.
 */
import { ERROR } from '@meridian/protocol';
import { joinError, syncError } from './answers.ts';
import type { ClassicGroup } from './classic-group.ts';
import { endSession, leave } from './departure.ts';
import type { GroupSettings } from './group-settings.ts';
import { finishReplacement, join } from './join.ts';
import type { GroupEffect, GroupInput, HeartbeatInput } from './messages.ts';
import { completeJoin, endInitialDelay, prepareRebalance } from './rebalance.ts';
import { endSync, finishAssignment, sync } from './sync.ts';
import { answerMemberJoin, answerMemberSync, armSession, memberError, type Turn, transition } from './turn.ts';

/** Changes `group` and says what is to be done. `nowMs` is wall-clock time, for what is written down. */
export function step(
  group: ClassicGroup,
  input: GroupInput,
  nowMs: number,
  settings: GroupSettings,
): readonly GroupEffect[] {
  const turn: Turn = { group, nowMs, settings, effects: [] };
  if (isTimer(input) && group.state === 'Dead') return turn.effects;
  perform(turn, input);
  return turn.effects;
}

function isTimer({ kind }: GroupInput): boolean {
  return kind === 'sessionOver' || kind === 'initialDelayOver' || kind === 'joinOver' || kind === 'syncOver';
}

function perform(turn: Turn, input: GroupInput): void {
  switch (input.kind) {
    case 'join':
      return join(turn, input);
    case 'sync':
      return sync(turn, input);
    case 'heartbeat':
      return heartbeat(turn, input);
    case 'leave':
      return leave(turn, input);
    case 'sessionOver':
      return endSession(turn, input.memberId);
    case 'initialDelayOver':
      return endInitialDelay(turn, input.delayMs, input.remainingMs);
    case 'joinOver':
      return completeJoin(turn);
    case 'syncOver':
      return endSync(turn, input.generation);
    case 'committed':
      return keepAlive(turn, input.memberId);
    case 'stored':
      if (input.next.kind === 'assign') return finishAssignment(turn, input.next, input.errorCode);
      return finishReplacement(turn, input.next, input.errorCode);
    case 'loaded':
      return load(turn);
    case 'end':
      return end(turn, input.errorCode);
  }
}

function heartbeat(turn: Turn, { memberId, instanceId, generationId }: HeartbeatInput): void {
  const errorCode = heartbeatError(turn.group, memberId, instanceId, generationId);
  const member = turn.group.members.get(memberId);
  const isAlive = errorCode === ERROR.NONE || errorCode === ERROR.REBALANCE_IN_PROGRESS;
  if (isAlive && member !== undefined) armSession(turn, member);
  turn.effects.push({ kind: 'answerHeartbeat', errorCode });
}

function heartbeatError(group: ClassicGroup, memberId: string, instanceId: string | null, generationId: number) {
  if (group.state === 'Dead') return ERROR.COORDINATOR_NOT_AVAILABLE;
  const error = memberError(group, memberId, instanceId);
  if (error !== ERROR.NONE) return error;
  if (generationId !== group.generation) return ERROR.ILLEGAL_GENERATION;
  return group.state === 'PreparingRebalance' ? ERROR.REBALANCE_IN_PROGRESS : ERROR.NONE;
}

function keepAlive(turn: Turn, memberId: string): void {
  const { group } = turn;
  const member = group.members.get(memberId);
  const counts = group.state === 'Stable' || group.state === 'PreparingRebalance';
  if (member !== undefined && counts) armSession(turn, member);
}

/** A group that has grown over the limit since it was stored lets its members join anew, and takes as many as it may. */
function load(turn: Turn): void {
  const { group, settings } = turn;
  for (const member of group.members.values()) armSession(turn, member);
  if (group.members.size > settings.maxSize) prepareRebalance(turn);
}

function end(turn: Turn, errorCode: number): void {
  for (const member of turn.group.members.values()) {
    answerMemberJoin(turn, member, joinError(errorCode, member.memberId));
    answerMemberSync(turn, member, syncError(errorCode));
  }
  transition(turn, 'Dead');
}

/**
 * What goes into the group machine and what comes out. Effects are data; `group-shard.ts` performs them in their order.
 * The ordering law: a `store` is appended when it comes out, and what hangs on it (`next`) goes back in as `stored` once
 * it is committed; nobody is told of an assignment before that.
 */
import type { GroupMetadataValue, Input } from '@meridian/protocol';
import type { JoinAnswer, LeftMember, SyncAnswer } from './answers.ts';
import type { JoinWaiter, MemberProtocol, SyncWaiter } from './classic-group.ts';

export interface JoinInput {
  readonly kind: 'join';
  readonly waiter: JoinWaiter;
  /** '' for somebody who has not been given an id. */
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** The id to give, if one is to be given: never given before. */
  readonly newMemberId: string;
  /** The client takes its id first and comes back with it (v4). */
  readonly takesIdFirst: boolean;
  /** The client knows how to follow an assignment that it did not make although it leads (v9). */
  readonly knowsSkipAssignment: boolean;
}

export interface SyncInput {
  readonly kind: 'sync';
  readonly waiter: SyncWaiter;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** The leader's: by member id. */
  readonly assignments: ReadonlyMap<string, Buffer>;
}

export interface HeartbeatInput {
  readonly kind: 'heartbeat';
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generationId: number;
}

export interface LeaveInput {
  readonly kind: 'leave';
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[];
}

/** Timers that fire. */
export type TimerInput =
  | { readonly kind: 'sessionOver'; readonly memberId: string }
  /** The first delay of a new group; `remainingMs` is what further members may still prolong it by. */
  | { readonly kind: 'initialDelayOver'; readonly delayMs: number; readonly remainingMs: number }
  | { readonly kind: 'joinOver' }
  | { readonly kind: 'syncOver'; readonly generation: number };

/** What waits for a record to be committed. */
export type StoredThen =
  | {
      readonly kind: 'assign';
      readonly generation: number;
      readonly assignments: ReadonlyMap<string, Buffer>;
    }
  | {
      readonly kind: 'replaced';
      readonly waiter: JoinWaiter;
      readonly memberId: string;
      readonly oldMemberId: string;
      readonly oldLeader: string | null;
      readonly oldProtocols: readonly MemberProtocol[];
      readonly oldRebalanceTimeoutMs: number;
      readonly oldSessionTimeoutMs: number;
      readonly knowsSkipAssignment: boolean;
    };

export type GroupInput =
  | JoinInput
  | SyncInput
  | HeartbeatInput
  | LeaveInput
  | TimerInput
  /** A member has committed offsets, and so shown that it lives. */
  | { readonly kind: 'committed'; readonly memberId: string }
  | { readonly kind: 'stored'; readonly next: StoredThen; readonly errorCode: number }
  /** Replayed from the log: sessions begin. */
  | { readonly kind: 'loaded' }
  /** This broker does not coordinate the group any more, or the group is deleted: whoever waits is told. */
  | { readonly kind: 'end'; readonly errorCode: number };

export type GroupMetadata = Input<(typeof GroupMetadataValue)['fields']>;

export type GroupEffect =
  | { readonly kind: 'answerJoin'; readonly to: JoinWaiter; readonly answer: JoinAnswer }
  | { readonly kind: 'answerSync'; readonly to: SyncWaiter; readonly answer: SyncAnswer }
  | { readonly kind: 'answerHeartbeat'; readonly errorCode: number }
  | { readonly kind: 'answerLeave'; readonly errorCode: number; readonly members: readonly LeftMember[] }
  /** Sets the timer of that name, in place of what it was set to. */
  | { readonly kind: 'arm'; readonly timer: string; readonly delayMs: number; readonly input: TimerInput }
  | { readonly kind: 'cancel'; readonly timer: string }
  | { readonly kind: 'store'; readonly value: GroupMetadata; readonly next: StoredThen | undefined };

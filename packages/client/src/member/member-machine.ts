/**
 * A member of a classic group as a machine: what it asks its coordinator next, and what its program is told. Driven by
 * `RunningMember`. One question is under way at a time.
 *
 *   waiting ──time──▶ joining ──joined──▶ syncing ──assigned──▶ stable ──time──▶ beating ──well──▶ stable
 *      ▲                 │                   │                                     │
 *      └── refused, broken off: again later ─┴── a rebalance, or a lease that ended: joins again
 *
 * Invariant: what was assigned is the program's until `lost` or the next `assigned`; it is lost at the latest when no
 * request of the last session has been answered well, which is when the coordinator may give it to others.
 */
import { ERROR, errorName } from '@meridian/protocol';
import { isPassing } from '../coordinators.ts';
import type { Assignment, MemberMetadata } from './member-types.ts';

export type MemberInput =
  | { readonly type: 'start' | 'time' | 'rejoin' | 'leave' }
  | { readonly type: 'joined'; readonly errorCode: number; readonly memberId: string; readonly joined?: Joined }
  | { readonly type: 'synced'; readonly errorCode: number; readonly bytes: Buffer; readonly sentAtMs: number }
  | { readonly type: 'beaten'; readonly errorCode: number; readonly sentAtMs: number }
  | { readonly type: 'failed'; readonly reason: string };

export interface Joined {
  readonly generation: number;
  readonly leader: string;
  readonly members: readonly MemberMetadata[];
}

export type MemberEffect =
  | { readonly type: 'join'; readonly memberId: string }
  | {
      readonly type: 'sync';
      readonly memberId: string;
      readonly generation: number;
      readonly toAssign: readonly MemberMetadata[];
    }
  | { readonly type: 'beat'; readonly memberId: string; readonly generation: number }
  | { readonly type: 'leave'; readonly memberId: string }
  | { readonly type: 'assigned'; readonly assignment: Assignment }
  | { readonly type: 'lost' | 'retry'; readonly reason: string }
  /** The coordinator has to be found again. */
  | { readonly type: 'forget' };

export interface MemberTimes {
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  /** The wait after so many failures in a row. */
  backoffMs(failures: number): number;
}

type Phase = 'waiting' | 'joining' | 'syncing' | 'stable' | 'beating' | 'left';

/** The coordinator does not know the member any more, or in another generation: what it had may be another's. */
const DROPPED: ReadonlySet<number> = new Set<number>([ERROR.UNKNOWN_MEMBER_ID, ERROR.ILLEGAL_GENERATION]);

export class MemberMachine {
  memberId = '';
  private readonly times: MemberTimes;
  private phase: Phase = 'waiting';
  private generation = -1;
  private isLeader = false;
  private isAssigned = false;
  private wantsRejoin = false;
  private failures = 0;
  private nextAtMs = 0;
  private leaseFromMs = Number.NEGATIVE_INFINITY;
  private effects: MemberEffect[] = [];

  constructor(times: MemberTimes) {
    this.times = times;
  }

  /** Milliseconds since the newest request was sent that was answered well; infinite when nothing is assigned. */
  leaseAgeMs(nowMs: number): number {
    return this.isAssigned ? nowMs - this.leaseFromMs : Number.POSITIVE_INFINITY;
  }

  /** When `time` is wanted; infinite: an answer comes first. */
  get wakeAtMs(): number {
    const leaseEndsMs = this.isAssigned ? this.leaseFromMs + this.times.sessionTimeoutMs : Number.POSITIVE_INFINITY;
    if (this.phase === 'left') return Number.POSITIVE_INFINITY;
    return this.phase === 'waiting' || this.phase === 'stable' ? Math.min(this.nextAtMs, leaseEndsMs) : leaseEndsMs;
  }

  step(input: MemberInput, nowMs: number): readonly MemberEffect[] {
    this.effects = [];
    if (this.phase !== 'left') this.take(input, nowMs);
    return this.effects;
  }

  private take(input: MemberInput, nowMs: number): void {
    switch (input.type) {
      case 'start':
        return this.join();
      case 'time':
        return this.onTime(nowMs);
      case 'rejoin':
        this.wantsRejoin = true;
        return this.phase === 'stable' ? this.join() : undefined;
      case 'leave':
        return this.leave();
      case 'joined':
        return this.onJoined(input.errorCode, input.memberId, input.joined, nowMs);
      case 'synced':
        return this.onSynced(input.errorCode, input.bytes, input.sentAtMs, nowMs);
      case 'beaten':
        return this.onBeaten(input.errorCode, input.sentAtMs, nowMs);
      case 'failed':
        this.effects.push({ type: 'forget' });
        return this.again(input.reason, nowMs);
    }
  }

  private onTime(nowMs: number): void {
    const { sessionTimeoutMs } = this.times;
    if (this.leaseAgeMs(nowMs) >= sessionTimeoutMs && this.isAssigned) {
      this.lose(`no heartbeat was answered for ${sessionTimeoutMs} ms`);
      if (this.phase === 'stable') return this.join();
    }
    if (nowMs < this.nextAtMs) return;
    if (this.phase === 'waiting') this.join();
    if (this.phase !== 'stable') return;
    this.phase = 'beating';
    this.effects.push({ type: 'beat', memberId: this.memberId, generation: this.generation });
  }

  private onJoined(errorCode: number, memberId: string, joined: Joined | undefined, nowMs: number): void {
    if (errorCode === ERROR.MEMBER_ID_REQUIRED) {
      this.memberId = memberId;
      return this.join();
    }
    if (errorCode !== ERROR.NONE || joined === undefined) return this.refused('join', errorCode, nowMs);
    const { generation, leader, members } = joined;
    this.memberId = memberId;
    this.generation = generation;
    this.isLeader = leader === memberId;
    this.phase = 'syncing';
    this.effects.push({ type: 'sync', memberId, generation, toAssign: this.isLeader ? members : [] });
  }

  private onSynced(errorCode: number, bytes: Buffer, sentAtMs: number, nowMs: number): void {
    if (errorCode === ERROR.REBALANCE_IN_PROGRESS) return this.join();
    if (errorCode !== ERROR.NONE) return this.refused('sync', errorCode, nowMs);
    const { memberId, generation, isLeader } = this;
    this.isAssigned = true;
    this.effects.push({ type: 'assigned', assignment: { generation, memberId, isLeader, bytes } });
    this.settle(sentAtMs, nowMs);
  }

  private onBeaten(errorCode: number, sentAtMs: number, nowMs: number): void {
    if (errorCode === ERROR.REBALANCE_IN_PROGRESS) {
      this.leaseFromMs = sentAtMs;
      this.join();
    } else if (errorCode === ERROR.NONE) {
      if (!this.isAssigned) return this.join();
      this.settle(sentAtMs, nowMs);
    } else this.refused('heartbeat', errorCode, nowMs);
  }

  /** All is well until the next heartbeat. */
  private settle(sentAtMs: number, nowMs: number): void {
    this.failures = 0;
    this.leaseFromMs = sentAtMs;
    this.phase = 'stable';
    this.nextAtMs = nowMs + this.times.heartbeatMs;
    if (this.wantsRejoin) this.join();
  }

  private refused(what: string, errorCode: number, nowMs: number): void {
    const reason = `${what}: ${errorName(errorCode)}`;
    if (DROPPED.has(errorCode)) {
      if (errorCode === ERROR.UNKNOWN_MEMBER_ID) this.memberId = '';
      this.lose(reason);
    } else if (isPassing(errorCode)) this.effects.push({ type: 'forget' });
    this.again(reason, nowMs);
  }

  /** A heartbeat is tried again as one, all else begins with a join. */
  private again(reason: string, nowMs: number): void {
    this.failures++;
    this.effects.push({ type: 'retry', reason });
    this.phase = this.phase === 'beating' && this.isAssigned ? 'stable' : 'waiting';
    this.nextAtMs = nowMs + this.times.backoffMs(this.failures);
  }

  private join(): void {
    this.phase = 'joining';
    this.wantsRejoin = false;
    this.effects.push({ type: 'join', memberId: this.memberId });
  }

  private lose(reason: string): void {
    if (!this.isAssigned) return;
    this.isAssigned = false;
    this.effects.push({ type: 'lost', reason });
  }

  private leave(): void {
    this.phase = 'left';
    this.isAssigned = false;
    if (this.memberId !== '') this.effects.push({ type: 'leave', memberId: this.memberId });
  }
}

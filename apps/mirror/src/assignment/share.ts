/**
 * What this process does of the region's work, as messages in and a verdict out: the machine of one member.
 *
 *   state      input                        → state
 *   alone      assigned                     → sharing
 *   waiting    assigned                     → sharing
 *   waiting    empty (the group has nobody) → alone
 *   sharing    assigned                     → sharing
 *   sharing    lost, or no heartbeat answered for `leaseMs`  → stopped
 *   stopped    assigned, or answered again  → sharing
 *
 * `alone` begins at once, before the coordinator has let anybody join: two that do so at once do no harm, as appends name
 * their offset (embedded), and in Apache Kafka each task fences whoever wrote before.
 * Invariant: `stopped` comes before the coordinator gives our units to another.
 */
import { ownerOf } from './rendezvous.ts';

export type ShareInput =
  /** `self`: what the others call us. Said to us, or to the one of our name that ran here before. */
  | { readonly type: 'assigned'; readonly self: string; readonly members: readonly string[] }
  | { readonly type: 'lost'; readonly reason: string }
  /** How old the newest request is that the coordinator has answered, or its word of our predecessor. */
  | { readonly type: 'lease'; readonly ageMs: number }
  /** Nobody shares the work so far, as far as can be told. */
  | { readonly type: 'empty' };

export type ShareState = 'waiting' | 'alone' | 'sharing' | 'stopped';

export class Share {
  state: ShareState;
  /** Why nothing is done; null: something is. */
  reason: string | null;
  members: readonly string[];
  private self: string;
  private readonly leaseMs: number;

  constructor(self: string, leaseMs: number) {
    this.self = self;
    this.leaseMs = leaseMs;
    this.state = 'waiting';
    this.reason = 'waits for its share of the work';
    this.members = [];
  }

  /** Returns whether what is owned may have changed. */
  step(input: ShareInput): boolean {
    switch (input.type) {
      case 'assigned':
        this.self = input.self;
        return this.become('sharing', null, input.members);
      case 'empty':
        return this.state === 'waiting' && this.become('alone', null, [this.self]);
      case 'lost':
        return this.state === 'sharing' && this.become('stopped', `lost its lease: ${input.reason}`, this.members);
      case 'lease':
        return this.onLease(input.ageMs);
    }
  }

  owns(unit: string): boolean {
    if (this.state === 'waiting' || this.state === 'stopped') return false;
    return this.members.length === 1 ? this.members[0] === this.self : ownerOf(unit, this.members) === this.self;
  }

  /** A coordinator that answers well again has given our share to nobody. */
  private onLease(ageMs: number): boolean {
    if (ageMs <= this.leaseMs) return this.state === 'stopped' && this.become('sharing', null, this.members);
    if (this.state !== 'sharing') return false;
    const seconds = Math.round(ageMs / 1000);
    const reason = Number.isFinite(seconds)
      ? `lost its lease: no answer to a heartbeat for ${seconds} s`
      : 'lost its lease';
    return this.become('stopped', reason, this.members);
  }

  /** What this process is called among the members. */
  get name(): string {
    return this.self;
  }

  private become(state: ShareState, reason: string | null, members: readonly string[]): boolean {
    const isSame = state === this.state && members.join('\n') === this.members.join('\n');
    this.state = state;
    this.reason = reason;
    this.members = members;
    return !isSame;
  }
}

/**
 * What a member of a classic group is to its program, without code: the mirror's processes share their work by one
 * (JoinGroup 11, Heartbeat 12, LeaveGroup 13, SyncGroup 14). Made by `Client.joinGroup`.
 * Invariant: an assignment that was handed on holds until the next one or `onLost`.
 */

export interface GroupMemberOptions {
  readonly group: string;
  /** Members of one group agree in both. */
  readonly protocolType: string;
  readonly protocolName: string;
  /** What the leader is told of this member. */
  readonly metadata: Buffer;
  /** Without a heartbeat for so long, the coordinator gives our work to others. Apache Kafka wants ≥ 6,000 by default. */
  readonly sessionTimeoutMs: number;
  /** How long the others wait for a member that has not joined again. */
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Asked of the leader: each member's assignment, by member id. A member left out is assigned nothing (no bytes). */
  assign(members: readonly MemberMetadata[]): ReadonlyMap<string, Buffer>;
  onAssigned(assignment: Assignment): void;
  /** The coordinator has dropped us, or cannot be reached for longer than a session: what was assigned is not ours. */
  onLost(reason: string): void;
  /** Something that is tried again by itself went wrong; for status. */
  onRetry?(reason: string): void;
}

export interface MemberMetadata {
  readonly memberId: string;
  readonly metadata: Buffer;
}

export interface Assignment {
  readonly generation: number;
  readonly memberId: string;
  readonly isLeader: boolean;
  readonly bytes: Buffer;
}

export interface GroupMember {
  /** '' until the coordinator has given one. */
  readonly memberId: string;
  /**
   * Milliseconds since the newest request was *sent* that the coordinator has answered well; infinite before the first
   * and once lost. Beyond `sessionTimeoutMs`, others may have our work.
   */
  leaseAgeMs(): number;
  /** Asks for a new assignment, e.g. as the leader's view of the work has changed; of others than the leader Kafka gives the old one. */
  rejoin(): void;
  /** Resolves when the coordinator has let us go, or cannot be reached. */
  leave(): Promise<void>;
}

export interface Membership {
  /** Joins, and joins again, until `leave` or the client's `close`. */
  joinGroup(options: GroupMemberOptions): GroupMember;
}

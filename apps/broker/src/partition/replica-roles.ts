/**
 * What this broker is for one partition, as the image has it: its leader, a follower, or neither; and up to where it knows
 * records to be committed, which each role hands on to the next. A part of `partition.ts`, which serves by it.
 * Invariant: at most one role at a time, and each belongs to one leader epoch.
 */
import type { Io, Logger } from '@meridian/io';
import type { Log } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import { FollowerRole } from './follower-role.ts';
import { LeaderRole } from './leader-role.ts';
import type { BrokerStanding, IsrChange, Leadership } from './leadership.ts';
import type { TopicSettings } from './topic-settings.ts';

/** What the roles tell their partition, and ask for by way of it. */
export interface RolesOwner {
  /** It follows `leader` from now on, or nobody any more. */
  followed(leader: number): void;
  left(): void;
  /** A role has ended; whoever waited for its leader has been told so. */
  resigned(errorCode: number): void;
  highWatermarkMoved(): void;
  alter(change: IsrChange): void;
}

export interface ReplicaRolesOptions {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Log;
  readonly logger: Logger;
  readonly nodeId: number;
  readonly brokers: BrokerStanding;
  readonly partition: { readonly topic: string; readonly index: number };
  readonly owner: RolesOwner;
}

/** Its fields are for reading. */
export class ReplicaRoles {
  leader: LeaderRole | undefined;
  follower: FollowerRole | undefined;
  /** Undefined before the image has been followed. */
  leadership: Leadership | undefined;
  readonly #options: ReplicaRolesOptions;
  /** Of the role before, or of an earlier process. */
  #lastHighWatermark: number;

  constructor(options: ReplicaRolesOptions) {
    this.#options = options;
    this.#lastHighWatermark = options.log.savedHighWatermark;
  }

  get highWatermark(): number {
    return this.leader?.highWatermark ?? this.follower?.highWatermark ?? this.#lastHighWatermark;
  }

  /** The image has moved: leads, follows, under a new epoch, or neither; or the in-sync set is another. */
  follow(leadership: Leadership, settings: TopicSettings): void {
    this.leadership = leadership;
    const { leader, leaderEpoch } = leadership;
    if (leader === this.#options.nodeId) {
      if (this.leader?.leaderEpoch === leaderEpoch) this.leader.follow(leadership);
      else this.#lead(leadership, settings);
    } else if (this.follower?.leaderEpoch !== leaderEpoch || this.follower.leader !== leader) {
      this.resign(ERROR.NOT_LEADER_OR_FOLLOWER);
      if (leader >= 0) this.#followLeader(leadership, settings);
    }
  }

  /** Ends the role; who waits for it is told. */
  resign(errorCode: number): void {
    const { leader, follower, highWatermark } = this;
    this.#lastHighWatermark = highWatermark;
    this.leader = this.follower = undefined;
    if (leader === undefined && follower === undefined) return;
    const { owner } = this.#options;
    if (follower !== undefined) owner.left();
    leader?.resign(errorCode);
    owner.resigned(errorCode);
  }

  #lead(leadership: Leadership, settings: TopicSettings): void {
    this.resign(ERROR.NOT_LEADER_OR_FOLLOWER);
    const { io, nodeId, log, brokers, owner } = this.#options;
    log.endLeading(); // an epoch of an earlier time in which nothing was written says nothing
    log.beginEpoch(leadership.leaderEpoch);
    this.leader = new LeaderRole({
      ...{ io, nodeId, log, leadership, brokers, settings },
      highWatermark: this.#lastHighWatermark,
      onHighWatermark: () => owner.highWatermarkMoved(),
      onAlter: (change) => owner.alter(change),
    });
    this.leader.begin();
  }

  #followLeader({ leader, leaderEpoch }: Leadership, { originTopicId }: TopicSettings): void {
    const { log, logger, partition, owner } = this.#options;
    this.follower = new FollowerRole({
      ...{ log, logger, partition, leader, leaderEpoch },
      highWatermark: this.#lastHighWatermark,
      isCopy: originTopicId !== undefined,
      onHighWatermark: () => owner.highWatermarkMoved(),
    });
    owner.followed(leader);
  }
}

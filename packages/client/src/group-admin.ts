/**
 * Consumer groups from outside: which there are, in which state, and what they have committed. For the mirror, which
 * carries offsets from region to region, and the command line. ListGroups 16, OffsetFetch 9, OffsetCommit 8.
 * Invariant: nothing is committed into a group that has members; the coordinator refuses it.
 */
import type { CallOptions, TopicPartition } from './types.ts';

export interface GroupListing {
  readonly group: string;
  /** Kafka's word: `Empty`, `Stable`, `PreparingRebalance`, … */
  readonly state: string;
  readonly protocolType: string;
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** −1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  /** Default −1: unknown. */
  readonly leaderEpoch?: number;
  /** Default ''. */
  readonly metadata?: string;
  /** Meridian's brokers commit only if this is what is committed now (−1: nothing); others do not look at it. */
  readonly expectedOffset?: number;
}

export interface CommitOutcome extends TopicPartition {
  /** 0, or Kafka's code: 25 UNKNOWN_MEMBER_ID says that the group has members. */
  readonly errorCode: number;
}

export interface GroupAdmin {
  /** Of all brokers. Rejects if one of them does not answer, as its groups would be missing. */
  listGroups(options?: CallOptions): Promise<GroupListing[]>;
  /** By group. One without offsets is there and empty; one whose coordinator refused for as long as the call took is missing. */
  committedOffsets(groups: readonly string[], options?: CallOptions): Promise<Map<string, CommittedOffset[]>>;
  /** Outside of a generation (−1), in the order of `offsets`; sent again only while the coordinator moves or loads. */
  commitOffsets(group: string, offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<CommitOutcome[]>;
}

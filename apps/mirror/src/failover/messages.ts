/**
 * What `GET|POST /v1/failover` and `/v1/failback` answer, at the mirror of the region that takes over (failover) or gets
 * its work back (failback). Read by the command line; `loses` and `refusal` decide about its exit code.
 * Invariant: a plan changes nothing; numbers that nobody knows are null and are told as such.
 *
 *   GET  /v1/failover?name=NAME[&from=REGION]   FailoverPlan     NAME: a topic as its origin calls it, a tenant, a region
 *   POST /v1/failover   {name, from?, force?}   FailoverRun      begins it, or goes on with the one that was begun
 *   GET  /v1/failover/runs                      {runs: FailoverRun[]}
 *   GET  /v1/failback?name=NAME[&from=REGION]   FailbackPlan     `from`: where the topic is written to now
 *   POST /v1/failback   {name, from?, force?}   FailoverRun
 */
import type { Translation } from '@meridian/coordinates';

export interface FailoverScope {
  readonly kind: 'topic' | 'tenant' | 'region';
  readonly name: string;
}

export interface FailoverPlan {
  readonly v: 1;
  readonly kind: 'failover';
  readonly scope: FailoverScope;
  readonly to: string;
  readonly atMs: number;
  readonly origins: readonly OriginReach[];
  readonly topics: readonly TopicPlan[];
  readonly groups: readonly GroupPlan[];
  /** Records known at the origins that are not here, by offsets. */
  readonly loses: number;
  /** Partitions of which nobody knows what is missing. */
  readonly unknown: number;
  /** Why `run` would refuse without `force`; null: it would not. */
  readonly refusal: string | null;
  readonly steps: readonly string[];
}

export interface OriginReach {
  readonly region: string;
  readonly isReachable: boolean;
  /** How long ago its brokers were last heard of. */
  readonly heardMs: number | null;
}

export interface TopicPlan {
  readonly topic: string;
  readonly copy: string;
  readonly from: string;
  readonly policy: 'prefix' | 'identity';
  /** What `run` does: an identity copy becomes writable; readers of a prefixed one go on where they were. */
  readonly action: 'promote' | 'readers-only' | 'none: promoted';
  readonly incarnation: number;
  readonly partitions: readonly PartitionPlan[];
}

export interface PartitionPlan {
  readonly partition: number;
  readonly copyEnd: number | null;
  readonly sourceEnd: number | null;
  /** Age of what is known of `sourceEnd`. */
  readonly heardMs: number | null;
  readonly notCopied: number | null;
  /** Age of the oldest record that is not here. */
  readonly oldestMs: number | null;
  readonly state: string;
  readonly reason: string | null;
  /** Producers that appended at the origin of late; null: it cannot be asked. */
  readonly writers: readonly WriterSeen[] | null;
}

export interface WriterSeen {
  /** −1: of one without an id nothing is remembered, but the log grew while it was looked at. */
  readonly producerId: number;
  readonly agoMs: number;
}

export interface GroupPlan {
  readonly group: string;
  /** Kafka's word for its state here. */
  readonly state: string;
  readonly topic: string;
  readonly copy: string;
  readonly partition: number;
  /** At the origin, as last heard; null: never. */
  readonly sourceOffset: number | null;
  readonly translation: Translation | null;
  /** What is committed here now; null: nothing. */
  readonly targetOffset: number | null;
  /** Records that the group would read a second time from what is committed here. */
  readonly rereads: number | null;
}

export interface FailbackPlan {
  readonly v: 1;
  readonly kind: 'failback';
  readonly scope: FailoverScope;
  /** The region that gets it back: the one whose mirror was asked. */
  readonly to: string;
  readonly atMs: number;
  readonly topics: readonly FailbackTopicPlan[];
  /** Records that only this region has: `run` keeps them aside. */
  readonly aside: number;
  readonly refusal: string | null;
  readonly steps: readonly string[];
}

export interface FailbackTopicPlan {
  readonly topic: string;
  /** Where it is written to now. */
  readonly from: string;
  readonly incarnation: number;
  readonly asideTopic: string;
  readonly partitions: readonly FailbackPartitionPlan[];
}

export interface FailbackPartitionPlan {
  readonly partition: number;
  /** Up to here both sides have the same. */
  readonly cut: number;
  readonly localEnd: number | null;
  readonly promotedEnd: number | null;
  /** Offsets from the cut to our end, which only this region has. */
  readonly aside: number | null;
  /** Here; and there, where the topic is written to now: its writers come here once it is done. */
  readonly writers: readonly WriterSeen[] | null;
  readonly writersThere: readonly WriterSeen[] | null;
}

/** What is durable of a run, next to its topics. */
export interface RunHead {
  readonly v: 1;
  readonly id: string;
  readonly kind: 'failover' | 'failback';
  readonly scope: FailoverScope;
  readonly to: string;
  readonly startedMs: number;
  /** It neither waits for writers nor for what is not copied yet. */
  readonly force: boolean;
}

/** `waiting`: a topic's `reason` says for what; it goes on by itself, also after a restart of the mirror. */
export interface FailoverRun extends RunHead {
  readonly state: 'running' | 'waiting' | 'done';
  readonly topics: readonly (TopicRun & { readonly reason: string | null })[];
}

/** How far a topic is; durable, one record each. */
export interface TopicRun {
  /** As its origin calls it. */
  readonly topic: string;
  readonly copy: string;
  /** Topic id of what is called `copy` here: another one is not meant. */
  readonly copyId: string;
  /** Failover: its origin. Failback: where it is written to now. */
  readonly from: string;
  readonly policy: 'prefix' | 'identity';
  readonly step: RunStep;
  /** What the steps so far have found, for people. */
  readonly detail: string | null;
  /** Offsets known at the origin that were not here when the copy was sealed; null: nobody knows. */
  readonly notCopied: number | null;
  /** Where the copies ended when they became writable, per partition; empty before. */
  readonly cut: readonly number[];
  /** Of the copy, before it is promoted. */
  readonly incarnation: number;
  /** Failback: up to where both regions have the same, per partition; empty before that is known. */
  readonly common: readonly number[];
  /** Kept aside by a failback. */
  readonly aside: AsideTopic | null;
}

export interface AsideTopic {
  readonly topic: string;
  readonly records: number;
}

/**
 * failover  catching-up ─▶ sealing ─▶ promoting ─▶ groups ─▶ done      (prefix: groups ─▶ done)
 * failback  comparing ─▶ keeping-aside ─▶ deleting ─▶ copying ─▶ sealing ─▶ promoting ─▶ groups ─▶ renewing ─▶ done
 */
export type RunStep =
  | 'catching-up'
  | 'sealing'
  | 'promoting'
  | 'groups'
  | 'comparing'
  | 'keeping-aside'
  | 'deleting'
  | 'copying'
  | 'renewing'
  | 'done';

/**
 * What the checkers see of a region: the nodes that live, their images and the replicas that they host, as plain values.
 * Filled from `Broker.inspect()` after every event; unit tests of the checkers make them by hand.
 * Invariant: a state is never changed; a replica that has moved has a new one.
 */
import type { Log } from '@meridian/log';

/** One node's replica of a partition, at a moment. */
export interface ReplicaState {
  readonly nodeId: number;
  /** Counts the starts of the node. */
  readonly boot: number;
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly isLeader: boolean;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStart: number;
  readonly logEnd: number;
  /** Below it everything is fsynced. */
  readonly durableEnd: number;
  /** Of a leader: who is in sync, as it counts them. */
  readonly isr: readonly number[];
  /** Where each leader's epoch begins in the log. */
  readonly epochs: readonly { readonly epoch: number; readonly startOffset: number }[];
}

export interface PartitionState {
  readonly index: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly eligibleLeaderReplicas: readonly number[];
}

export interface TopicState {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly PartitionState[];
}

export interface ImageState {
  readonly endOffset: number;
  readonly brokers: ReadonlyMap<number, { readonly epoch: number; readonly fenced: boolean }>;
  readonly topicsByName: ReadonlyMap<string, TopicState>;
  readonly topicsById: ReadonlyMap<string, TopicState>;
  configOf(resource: 'topic', name: string): ReadonlyMap<string, string>;
}

/** A node that lives. */
export interface NodeState {
  readonly nodeId: number;
  readonly boot: number;
  readonly isActiveController: boolean;
  /** Epoch of the metadata quorum. */
  readonly epoch: number;
  /** Who leads that epoch, as far as the node knows. */
  readonly leaderId: number;
  readonly metadataEnd: number;
  readonly metadataHighWatermark: number;
  readonly metadataDurableEnd: number;
  /** Epoch of the last record below it; −1: not known. */
  readonly committedEpoch: number;
  readonly image: ImageState;
  imageHash(): string;
}

export const partitionKey = ({ topicId, index }: { topicId: string; index: number }): string => `${topicId}/${index}`;

export const placeOf = ({ nodeId, topic, index }: ReplicaState): string => `node ${nodeId}, ${topic}-${index}`;

/** What a node shows of itself; the broker's own type has more. */
export interface View {
  readonly nodeId: number;
  readonly isActiveController: boolean;
  readonly image: ImageState;
  imageHash(): string;
  readonly metadata: {
    readonly endOffset: number;
    readonly durableEnd: number;
    readonly highWatermark: number;
    readonly committedEpoch: number;
    readonly leaderId: number;
    readonly epoch: number;
  };
  partitions(): Iterable<Hosted>;
}

export interface Hosted extends Omit<ReplicaState, 'nodeId' | 'boot' | 'epochs'> {
  readonly log: Log;
}

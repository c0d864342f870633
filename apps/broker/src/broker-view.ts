/**
 * What a running node shows of itself to tests and to the simulator's checkers: facts as they are at that moment, nothing
 * that could change it. Made by `createBroker`, called by nobody in production.
 */
import type { Log } from '@meridian/log';
import type { MetadataImage } from './controller/image.ts';

export interface BrokerView {
  readonly nodeId: number;
  readonly isActiveController: boolean;
  /** Always the same object; it moves on. */
  readonly image: MetadataImage;
  /** The same on every node that has applied the same metadata records. */
  imageHash(): string;
  readonly metadata: MetadataView;
  /** The replicas that this node hosts. */
  partitions(): Iterable<PartitionView>;
}

/** The metadata log on this node. */
export interface MetadataView {
  readonly endOffset: number;
  /** Below it everything is fsynced. */
  readonly durableEnd: number;
  readonly highWatermark: number;
  /** Of the last record below the high watermark; −1: not known. */
  readonly committedEpoch: number;
  /** Who leads which epoch of the quorum, as far as this node knows; id −1: nobody. */
  readonly leaderId: number;
  readonly epoch: number;
}

export interface PartitionView {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly isLeader: boolean;
  readonly highWatermark: number;
  readonly logStart: number;
  readonly logEnd: number;
  /** Below it everything is fsynced. */
  readonly durableEnd: number;
  readonly lastStableOffset: number;
  /** As the leader's machine has it; empty on a follower. */
  readonly isr: readonly number[];
  readonly log: Log;
}

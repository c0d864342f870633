/**
 * A node as tests and checkers see it: `Broker.inspect()`. The simulator looks after every event, so a look costs nothing
 * but reading: every fact is asked for when it is wanted.
 */
import type { BrokerView, PartitionView } from '../broker-view.ts';
import type { Partition } from '../partition/partition.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { MetadataPlane } from './metadata-plane.ts';

export function nodeView(
  nodeId: number,
  { controller, quorum }: MetadataPlane,
  hosted: () => PartitionTable | undefined,
): BrokerView {
  const seen = new WeakMap<Partition, LivePartition>();
  return {
    nodeId,
    get isActiveController() {
      return controller.isActive;
    },
    image: controller.image,
    imageHash: () => controller.imageHash(),
    get metadata() {
      const { highWatermark, endOffset, durableEnd } = quorum;
      const { id: leaderId, epoch } = quorum.leader();
      return {
        ...{ endOffset, durableEnd, highWatermark, leaderId, epoch },
        get committedEpoch() {
          return quorum.committedEpoch;
        },
      };
    },
    *partitions() {
      for (const partition of hosted()?.all() ?? []) {
        let view = seen.get(partition);
        if (view === undefined) seen.set(partition, (view = new LivePartition(partition)));
        yield view;
      }
    },
  };
}

const NOBODY: readonly number[] = [];

class LivePartition implements PartitionView {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: PartitionView['log'];
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
    this.topic = partition.topic;
    this.topicId = partition.topicId;
    this.index = partition.index;
    this.log = partition.log;
  }

  get leaderEpoch(): number {
    return this.#partition.leaderEpoch;
  }

  get isLeader(): boolean {
    return this.#partition.isLeader;
  }

  get highWatermark(): number {
    return this.#partition.highWatermark;
  }

  get logStart(): number {
    return this.log.startOffset;
  }

  get logEnd(): number {
    return this.log.endOffset;
  }

  get durableEnd(): number {
    return this.log.durableEnd;
  }

  get lastStableOffset(): number {
    return this.#partition.lastStableOffset;
  }

  get isr(): readonly number[] {
    return this.#partition.inSync?.isr ?? NOBODY;
  }
}

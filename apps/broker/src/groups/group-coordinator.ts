/**
 * The group coordinator: finds the shard that a group lives in, makes `__consumer_offsets` when the first group needs it,
 * and follows which of its partitions this broker leads. Made by `createBroker`; the group APIs' handlers call it.
 * Invariant: a shard exists only for the leadership under which it was loaded.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { ERROR, type MetadataRecord } from '@meridian/protocol';
import type { Controller } from '../controller/controller.ts';
import type { MetadataImage } from '../controller/image.ts';
import { randomUuid } from '../controller/random-uuid.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { GroupSettings } from './group-settings.ts';
import { GroupShard } from './group-shard.ts';
import { OFFSETS_TOPIC, offsetsTopic, partitionOf } from './offsets-topic.ts';

export interface GroupCoordinatorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly partitions: PartitionTable;
  readonly submit: Controller['submit'];
  readonly settings: GroupSettings;
}

export class GroupCoordinator {
  readonly settings: GroupSettings;
  readonly #options: GroupCoordinatorOptions;
  readonly #shards = new Map<number, GroupShard>();
  /** Leader epochs of partitions that could not be read: their groups have no coordinator here. */
  readonly #unreadable = new Map<number, number>();
  #sweep: Timer | undefined;
  #stopped = false;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.settings = options.settings;
  }

  /** Loads every partition that this broker leads; to be called before anything is served. */
  start(): void {
    for (let index = 0; index < this.#partitionCount(); index++) this.#shard(index);
    this.#armSweep();
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep?.cancel();
    for (const shard of this.#shards.values()) shard.end(ERROR.NOT_COORDINATOR);
    this.#shards.clear();
  }

  /** A change of metadata, which the partitions have followed already. */
  follow(delta: readonly MetadataRecord[]): void {
    for (const [index, shard] of this.#shards) if (!this.#leads(shard, index)) this.#drop(index, shard);
    if (!delta.some(({ type }) => type === 'RemoveTopicRecord')) return;
    const { topicsByName } = this.#options.image;
    for (const shard of this.#shards.values()) shard.forgetTopics((topic) => topicsByName.has(topic));
  }

  /** The shard of a group, or NOT_COORDINATOR. */
  shardOf(groupId: string): GroupShard | number {
    const count = this.#partitionCount();
    if (count === 0) return ERROR.NOT_COORDINATOR;
    return this.#shard(partitionOf(groupId, count)) ?? ERROR.NOT_COORDINATOR;
  }

  shards(): readonly GroupShard[] {
    return Array.from({ length: this.#partitionCount() }, (_, index) => this.#shard(index)).filter(
      (shard) => shard !== undefined,
    );
  }

  /** Makes `__consumer_offsets` if it is not there; the error code if it cannot be made. */
  async prepare(): Promise<number> {
    const { image, submit, settings } = this.#options;
    if (this.#partitionCount() > 0) return ERROR.NONE;
    const topics = [offsetsTopic(settings, image.brokers.size)];
    const result = await submit({ kind: 'createTopics', requester: 'internal', validateOnly: false, topics });
    const errorCode = result.topics[0]?.errorCode ?? ERROR.NONE;
    const isThere = errorCode === ERROR.NONE || errorCode === ERROR.TOPIC_ALREADY_EXISTS;
    return isThere ? ERROR.NONE : ERROR.COORDINATOR_NOT_AVAILABLE;
  }

  /** An id for a member that has none. */
  newMemberId(prefix: string): string {
    return `${prefix}-${randomUuid(this.#options.io.random)}`;
  }

  #partitionCount(): number {
    return this.#options.image.topicsByName.get(OFFSETS_TOPIC)?.partitions.length ?? 0;
  }

  #leads(shard: GroupShard, index: number): boolean {
    const partition = this.#options.partitions.byName(OFFSETS_TOPIC, index);
    return partition === shard.partition && partition.errorFor(shard.leaderEpoch) === ERROR.NONE;
  }

  #shard(index: number): GroupShard | undefined {
    const existing = this.#shards.get(index);
    if (existing !== undefined) {
      if (this.#leads(existing, index)) return existing;
      this.#drop(index, existing);
    }
    const { io, logger, partitions, settings } = this.#options;
    const partition = partitions.byName(OFFSETS_TOPIC, index);
    if (this.#stopped || partition === undefined || partition.errorFor(-1) !== ERROR.NONE) return undefined;
    if (this.#unreadable.get(index) === partition.leaderEpoch) return undefined;
    const shard = new GroupShard({ io, logger, settings, partition });
    try {
      shard.load();
    } catch (error) {
      // Coded errors are the bytes' or the disk's; anything else is a bug.
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      logger.error('groups cannot be loaded: the partition is damaged', {
        topic: OFFSETS_TOPIC,
        partition: index,
        error,
      });
      this.#unreadable.set(index, partition.leaderEpoch);
      shard.end(ERROR.NOT_COORDINATOR);
      return undefined;
    }
    this.#shards.set(index, shard);
    return shard;
  }

  #drop(index: number, shard: GroupShard): void {
    this.#shards.delete(index);
    shard.end(ERROR.NOT_COORDINATOR);
  }

  #armSweep(): void {
    this.#sweep = this.#options.io.timers.after(this.settings.retentionCheckIntervalMs, () => {
      for (const shard of this.shards()) shard.expire();
      this.#armSweep();
    });
  }
}

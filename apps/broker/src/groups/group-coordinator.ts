/**
 * The group coordinator: finds the shard that a group lives in, makes `__consumer_offsets` when the first group needs it,
 * and follows which of its partitions this broker leads. Made by `createBroker`; the group APIs' handlers call it.
 * Invariant: a shard exists only for the leadership under which it was loaded.
 */
import type { Io, Logger, Timer } from '@meridian/io';
import { ERROR, errorName, type MetadataRecord } from '@meridian/protocol';
import type { Controller } from '../controller/controller.ts';
import type { MetadataImage } from '../controller/image.ts';
import { randomUuid } from '../controller/random-uuid.ts';
import type { Partition } from '../partition/partition.ts';
import type { PartitionTable } from '../partition/partition-table.ts';
import type { GroupSettings } from './group-settings.ts';
import { GroupShard } from './group-shard.ts';
import { OFFSETS_TOPIC, offsetsTopic, partitionOf } from './offsets-topic.ts';
import { ShardLoader } from './shard-loader.ts';

export interface GroupCoordinatorOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly logger: Logger;
  readonly image: MetadataImage;
  readonly partitions: PartitionTable;
  readonly submit: Controller['submit'];
  readonly settings: GroupSettings;
  /** Time that loading may take of one turn of the event loop. */
  readonly loadTurnMs: number;
}

/** Kafka's node id for nobody. */
const NO_LEADER = -1;
const NOT_MADE = '__consumer_offsets could not be made';

interface Loading {
  readonly partition: Partition;
  readonly leaderEpoch: number;
}

export class GroupCoordinator {
  readonly settings: GroupSettings;
  readonly #options: GroupCoordinatorOptions;
  readonly #shards = new Map<number, GroupShard>();
  readonly #loader: ShardLoader;
  /** What is being loaded, or waits for it. */
  readonly #loading = new Map<number, Loading>();
  /** Leader epochs of partitions that could not be read: their groups have no coordinator here. */
  readonly #unreadable = new Map<number, number>();
  #preparing: Promise<boolean> | undefined;
  /** Why `__consumer_offsets` could not be made: clients ask again and again, and it is told once. */
  #refusedWith: number = ERROR.NONE;
  #sweep: Timer | undefined;
  #stopped = false;

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.#loader = new ShardLoader(options.io, options.loadTurnMs);
  }

  /** Begins to load every partition that this broker leads: what is small is there at once, the rest comes while it serves. */
  start(): void {
    this.#loadAll();
    this.#armSweep();
  }

  stop(): void {
    this.#stopped = true;
    this.#loader.stop();
    this.#sweep?.cancel();
    for (const shard of this.#shards.values()) shard.end(ERROR.NOT_COORDINATOR);
    this.#shards.clear();
  }

  /** A change of metadata, which the partitions have followed already. */
  follow(delta: readonly MetadataRecord[]): void {
    for (const [index, shard] of this.#shards) if (!this.#leads(shard, index)) this.#drop(index, shard);
    const offsetsTopicId = this.#options.image.topicsByName.get(OFFSETS_TOPIC)?.id;
    if (delta.some((record) => 'topicId' in record && record.topicId === offsetsTopicId)) this.#loadAll();
    if (!delta.some(({ type }) => type === 'RemoveTopicRecord')) return;
    const { topicsByName } = this.#options.image;
    for (const shard of this.#shards.values()) shard.forgetTopics((topic) => topicsByName.has(topic));
  }

  /** The shard of a group, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS or, at the end, COORDINATOR_NOT_AVAILABLE. */
  shardOf(groupId: string): GroupShard | number {
    if (this.#stopped) return ERROR.COORDINATOR_NOT_AVAILABLE;
    const count = this.#partitionCount();
    if (count === 0) return ERROR.NOT_COORDINATOR;
    const index = partitionOf(groupId, count);
    return this.#shard(index) ?? (this.#isLoading(index) ? ERROR.COORDINATOR_LOAD_IN_PROGRESS : ERROR.NOT_COORDINATOR);
  }

  /** All that are loaded; COORDINATOR_LOAD_IN_PROGRESS while some are not. */
  shards(): readonly GroupShard[] | number {
    const indexes = Array.from({ length: this.#partitionCount() }, (_, index) => index);
    const shards = indexes.flatMap((index) => this.#shard(index) ?? []);
    return indexes.some((index) => this.#isLoading(index)) ? ERROR.COORDINATOR_LOAD_IN_PROGRESS : shards;
  }

  /** Makes `__consumer_offsets` if it is not there, once for all who ask meanwhile; the error code if it cannot be made. */
  async prepare(): Promise<number> {
    if (this.#partitionCount() > 0) return ERROR.NONE;
    this.#preparing ??= this.#createOffsetsTopic().finally(() => {
      this.#preparing = undefined;
    });
    return (await this.#preparing) ? ERROR.NONE : ERROR.COORDINATOR_NOT_AVAILABLE;
  }

  /**
   * The broker that coordinates a group, wherever it is; undefined while the group's partition has no leader, or is not
   * there at all.
   */
  coordinatorOf(groupId: string): number | undefined {
    const partitions = this.#options.image.topicsByName.get(OFFSETS_TOPIC)?.partitions ?? [];
    const leader = partitions[partitionOf(groupId, partitions.length)]?.leader ?? NO_LEADER;
    return leader === NO_LEADER ? undefined : leader;
  }

  /** False if it is not there afterwards: brokers or the controller are missing. */
  async #createOffsetsTopic(): Promise<boolean> {
    const { image, submit, settings, logger } = this.#options;
    const topics = [offsetsTopic(settings, image.brokers.size)];
    try {
      const result = await submit({ kind: 'createTopics', requester: 'internal', validateOnly: false, topics });
      const { errorCode = ERROR.NONE, errorMessage: why = null } = result.topics[0] ?? {};
      if (errorCode === ERROR.NONE || errorCode === ERROR.TOPIC_ALREADY_EXISTS) return true;
      if (errorCode !== this.#refusedWith) logger.warn(NOT_MADE, { error: errorName(errorCode), why });
      this.#refusedWith = errorCode;
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      logger.warn(NOT_MADE, { error: error as Error });
    }
    return false;
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

  #loadAll(): void {
    for (let index = 0; index < this.#partitionCount(); index++) this.#shard(index);
  }

  /** The shard if it is loaded. Begins to load it if it is not and this broker leads its partition. */
  #shard(index: number): GroupShard | undefined {
    const existing = this.#shards.get(index);
    if (existing !== undefined) {
      if (this.#leads(existing, index)) return existing;
      this.#drop(index, existing);
    }
    const partition = this.#options.partitions.byName(OFFSETS_TOPIC, index);
    if (this.#stopped || partition === undefined || partition.errorFor(-1) !== ERROR.NONE) return undefined;
    if (this.#unreadable.get(index) === partition.leaderEpoch || this.#isLoading(index)) return undefined;
    this.#load(index, partition);
    return this.#shards.get(index);
  }

  #isLoading(index: number): boolean {
    const loading = this.#loading.get(index);
    const partition = this.#options.partitions.byName(OFFSETS_TOPIC, index);
    return (
      loading !== undefined && loading.partition === partition && partition.errorFor(loading.leaderEpoch) === ERROR.NONE
    );
  }

  #load(index: number, partition: Partition): void {
    const { io, logger, settings } = this.#options;
    const shard = new GroupShard({ io, logger, settings, partition, onLost: () => this.#drop(index, shard) });
    const loading: Loading = { partition, leaderEpoch: partition.leaderEpoch };
    this.#loading.set(index, loading);
    const end = (): void => {
      if (this.#loading.get(index) === loading) this.#loading.delete(index);
    };
    this.#loader.load({
      shard,
      isWanted: () => this.#loading.get(index) === loading && this.#leads(shard, index),
      loaded: () => {
        end();
        this.#shards.set(index, shard);
      },
      failed: (error) => {
        end();
        const named = { topic: OFFSETS_TOPIC, partition: index };
        logger.error('groups cannot be loaded: the partition is damaged', { ...named, error });
        this.#unreadable.set(index, loading.leaderEpoch);
        shard.end(ERROR.NOT_COORDINATOR);
      },
      abandoned: () => {
        end();
        shard.end(ERROR.NOT_COORDINATOR);
      },
    });
  }

  #drop(index: number, shard: GroupShard): void {
    if (this.#shards.get(index) === shard) this.#shards.delete(index);
    shard.end(ERROR.NOT_COORDINATOR);
  }

  #armSweep(): void {
    this.#sweep = this.#options.io.timers.after(this.settings.retentionCheckIntervalMs, () => {
      this.#expire([...this.#shards.values()]);
      this.#armSweep();
    });
  }

  /** One shard in each turn of the event loop: clients are served in between. */
  #expire([shard, ...rest]: readonly GroupShard[]): void {
    if (shard === undefined || this.#stopped) return;
    if (this.#shards.get(shard.partition.index) === shard) shard.expire();
    this.#options.io.timers.defer(() => this.#expire(rest));
  }
}

/**
 * Keeps the partitions in step with the metadata image: opens what is created, ends and removes what is deleted or has
 * moved to other brokers, hands on new leaders, epochs and configs. Made by `createBroker`, fed by the controller's
 * `onChange`. Until this process has registered, what the image says of leaders is of an earlier life, which may have
 * known records that are lost: partitions are open, but neither lead nor follow.
 * Invariant: after a delta has been followed, the table shows what the image shows; so whoever was answered "created"
 * can produce at once.
 */
import { type Io, IoError, type Logger } from '@meridian/io';
import { ERROR, type MetadataRecord } from '@meridian/protocol';
import { type BrokerConfigSources, brokerConfigNumber } from '../controller/configs/effective.ts';
import { directoryOn } from '../controller/directories.ts';
import type { PartitionInfo, Topic } from '../controller/image.ts';
import { BrokerError } from '../errors.ts';
import type { BrokerLimits } from '../limits.ts';
import { type HostedTopic, HostedTopics } from './hosted-topics.ts';
import type { HostedDir, LogDirs } from './log-dirs/log-dirs.ts';
import { Partition, type PartitionIdentity } from './partition.ts';
import { PartitionClosings } from './partition-closings.ts';
import type { ReplicationDoor } from './replication-door.ts';
import { type TopicSettings, topicSettings } from './topic-settings.ts';
import { startUpkeep, type Upkeep } from './upkeep/upkeep.ts';

export interface HostedPartitionsOptions {
  readonly io: Io;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly nodeId: number;
  /** Of this process: a snapshot may still tell of the one before. */
  readonly incarnationId: string;
  readonly sources: BrokerConfigSources;
  readonly logDirs: LogDirs;
  readonly replication: ReplicationDoor;
  /** A log dir has failed; these are left (ids). */
  readonly onDirFailed: (online: readonly string[]) => void;
}

/** Kafka's numbers of config resources. */
const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;

export class HostedPartitions {
  /** What is hosted, for whoever serves it. */
  readonly table: HostedTopics;
  readonly #options: HostedPartitionsOptions;
  readonly #closings: PartitionClosings;
  #upkeep: Upkeep | undefined;
  /** Partitions that lie in other dirs than the metadata says. */
  readonly found: { topicId: string; index: number; directory: string }[] = [];
  /** The newest `follow`. */
  #following: Promise<void> = Promise.resolve();
  /** Everything that the image said at the start has been opened, or tried. */
  #isOpen = false;
  /** The image has this process's registration. */
  #isRegistered = false;
  #isStopped = false;

  constructor(options: HostedPartitionsOptions) {
    this.#options = options;
    const { logger, limits, logDirs, sources } = options;
    this.table = new HostedTopics(sources.image);
    this.#closings = new PartitionClosings({
      ...{ logger, logDirs, maxAtATime: limits.maxLogsClosing },
      deleteDelayMs: () => this.#deleteDelayMs(),
      suspect: (dir, error) => this.#suspect(dir, error),
    });
    logDirs.onSuspicion = (dir, error) => this.#suspect(dir, error);
  }

  /** Start: removes what was left half deleted and opens everything that the image says. */
  async openAll(): Promise<void> {
    const { io, logger, limits, sources, logDirs } = this.#options;
    logDirs.removeDeleted(this.#deleteDelayMs());
    await this.#inTurns(this.#reconcileAll([...sources.image.topicsById.values()]));
    if (this.#isStopped) return;
    this.#isOpen = true;
    this.#upkeep = startUpkeep({ io, logger, limits, sources, partitions: this.table });
  }

  /** A committed batch of metadata records, already applied to the image; one after another. Resolves when it is followed. */
  follow(delta: readonly MetadataRecord[]): Promise<void> {
    this.#following = this.#followInTurns(delta);
    return this.#following;
  }

  async #followInTurns(delta: readonly MetadataRecord[]): Promise<void> {
    await this.#inTurns(this.#follow(delta));
    // Before the name is given again, or the old folder might be taken for the new topic's after a loss of power.
    if (delta.some(({ type }) => type === 'RemoveTopicRecord')) await this.#options.logDirs.syncNames();
  }

  *#follow(delta: readonly MetadataRecord[]): Iterable<void> {
    const { image } = this.#options.sources;
    const isRegistration = !this.#isRegistered && delta.some((record) => this.#isOwnRegistration(record));
    this.#isRegistered ||= isRegistration;
    const touched = new Map<string, Set<number>>();
    const configured = new Set<string>();
    for (const record of delta) {
      if (record.type === 'RemoveTopicRecord') yield* this.#remove(record.topicId);
      else if ('topicId' in record && 'partitionId' in record) touch(touched, record.topicId, record.partitionId);
      else if (record.type === 'ConfigRecord' && record.resourceType === TOPIC_RESOURCE) {
        configured.add(record.resourceName);
      } else if (record.type === 'ConfigRecord' && record.resourceType === BROKER_RESOURCE) {
        for (const name of this.table.names()) configured.add(name);
      }
    }
    for (const name of configured) this.#configure(name);
    if (isRegistration) {
      yield* this.#removeMoved();
      yield* this.#reconcileAll([...image.topicsById.values()]);
    }
    for (const [id, indexes] of touched) {
      const topic = image.topicsById.get(id);
      if (topic !== undefined)
        yield* this.#reconcile(
          topic,
          [...indexes].flatMap((index) => topic.partitions[index] ?? []),
        );
    }
  }

  #isOwnRegistration(record: MetadataRecord): boolean {
    return record.type === 'RegisterBrokerRecord' && record.incarnationId === this.#options.incarnationId;
  }

  *#reconcileAll(topics: readonly Topic[]): Iterable<void> {
    for (const topic of topics) yield* this.#reconcile(topic, topic.partitions);
  }

  /** Goes through the steps, a few in each turn of the event loop: clients are served in between. */
  async #inTurns(steps: Iterable<void>): Promise<void> {
    const { io, limits } = this.#options;
    let turnEndMs = io.clock.monotonic() + limits.partitionTurnMs;
    for (const _ of steps) {
      if (this.#isStopped) return;
      if (io.clock.monotonic() < turnEndMs) continue;
      await new Promise<void>((resolve) => io.timers.defer(resolve));
      turnEndMs = io.clock.monotonic() + limits.partitionTurnMs;
    }
  }

  /** Stop: nothing is accepted any more; logs are written out and marked clean, `onProgress` with each. */
  async closeAll(onProgress: () => void = () => {}): Promise<void> {
    this.#isStopped = true;
    this.#upkeep?.stop();
    await this.#following.catch(() => undefined); // whoever fed it has been told
    const all = [...this.table.all()];
    for (const partition of all) partition.end(ERROR.NOT_LEADER_OR_FOLLOWER);
    await this.#closings.closeAll(all, onProgress);
    this.#options.logDirs.close(this.#epochLeft(), this.#isOpen);
  }

  /** Under which epoch nothing was lost: before it has registered, a process has but what the one before left. */
  #epochLeft(): number {
    const { logDirs, sources, nodeId } = this.#options;
    return this.#isRegistered ? (sources.image.brokers.get(nodeId)?.epoch ?? -1) : logDirs.previousBrokerEpoch;
  }

  #deleteDelayMs(): number {
    return brokerConfigNumber(this.#options.sources, 'log.segment.delete.delay.ms');
  }

  *#reconcile(topic: Topic, partitions: readonly PartitionInfo[]): Iterable<void> {
    const hosted = this.table.entryOf(topic);
    let settings: TopicSettings | undefined;
    for (const info of partitions) {
      const isReplica = info.replicas.includes(this.#options.nodeId);
      let partition = hosted.partitions[info.index];
      if (partition === undefined && isReplica && !hosted.offline.has(info.index)) {
        settings ??= topicSettings(this.#options.sources, topic.name);
        partition = this.#open(hosted, info, settings);
        yield;
      } else if (partition !== undefined && !isReplica && this.#isRegistered) {
        // Before, the image may be one of the past: what was taken from us then may have been given back long since.
        hosted.partitions[info.index] = undefined;
        this.#closings.drop(partition, ERROR.NOT_LEADER_OR_FOLLOWER);
        yield;
        continue;
      }
      if (partition === undefined || !this.#isRegistered) continue;
      partition.follow(info);
      yield;
    }
  }

  #open(hosted: HostedTopic, info: PartitionInfo, settings: TopicSettings): Partition | undefined {
    const { io, logger, limits, nodeId, logDirs, replication } = this.#options;
    const identity = { topic: hosted.name, topicId: hosted.id, index: info.index };
    while (hosted.partitions.length < info.index) hosted.partitions.push(undefined);
    let dir: HostedDir | undefined;
    try {
      const directory = directoryOn(nodeId, info);
      const isGone = logDirs.isGone(directory) && isHeldByOthers(info, nodeId);
      const place = logDirs.place(identity, isGone ? undefined : directory);
      dir = place;
      const log = logDirs.openIn(place, identity, settings);
      if (place.directoryId !== directory) this.found.push({ ...identity, directory: place.directoryId });
      const onOffline = (error: Error): void => this.#suspect(place, error, this.#isReplicated(identity));
      const given = { io, log, logger, limits, nodeId, settings, replication, onOffline };
      return (hosted.partitions[info.index] = new Partition({ ...identity, ...given }));
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code !== 'string' || code === 'partition-twice') throw error;
      hosted.offline.add(info.index);
      hosted.partitions[info.index] = undefined;
      logger.error('partition offline: its log cannot be opened', { topic: hosted.name, partition: info.index, error });
      if (dir !== undefined) this.#suspect(dir, error as Error, this.#isReplicated(identity));
      return undefined;
    }
  }

  #configure(name: string): void {
    const hosted = this.table.topic(name);
    if (hosted === undefined) return;
    const settings = topicSettings(this.#options.sources, name);
    for (const partition of hosted.partitions) partition?.configure(settings);
  }

  *#remove(topicId: string): Iterable<void> {
    for (const partition of this.table.take(topicId)?.partitions ?? []) {
      if (partition === undefined) continue;
      this.#closings.drop(partition, ERROR.UNKNOWN_TOPIC_OR_PARTITION);
      yield;
    }
  }

  /**
   * What went to other brokers while this process did not run. An image that has our own registration has all that was
   * decided before; and only what it knows to be elsewhere is removed.
   */
  *#removeMoved(): Iterable<void> {
    const { logDirs, logger, nodeId, sources } = this.#options;
    for (const { name: topic, id: topicId, partitions } of sources.image.topicsById.values()) {
      for (const { index, replicas } of partitions) {
        if (replicas.includes(nodeId) || this.table.byId(topicId, index) !== undefined) continue;
        try {
          logDirs.removeMoved({ topic, topicId, index }, this.#deleteDelayMs());
        } catch (error) {
          if (!(error instanceof IoError) && !(error instanceof BrokerError)) throw error;
          logger.error('the folder of a partition that has moved away stays', { topic, partition: index, error });
        }
      }
      yield;
    }
  }

  /** Others have the partition, too, and can go on with it if we do not. */
  #isReplicated({ topicId, index }: PartitionIdentity): boolean {
    const partition = this.#options.sources.image.topicsById.get(topicId)?.partitions[index];
    return partition !== undefined && partition.replicas.length > 1;
  }

  /** Something in the dir has failed; if all of it has, so have its partitions. */
  #suspect(dir: HostedDir, error: Error, isReplicated = false): void {
    const { logDirs, onDirFailed } = this.#options;
    if (!logDirs.fails(dir, error, isReplicated)) return;
    for (const partition of this.table.all()) {
      if (logDirs.dirOf(partition.log) === dir) partition.end(ERROR.KAFKA_STORAGE_ERROR);
    }
    onDirFailed(logDirs.onlineIds);
  }
}

/** Somebody else has all that is committed: a replica that was lost with its disk can be filled again. */
function isHeldByOthers({ isr, eligibleLeaderReplicas }: PartitionInfo, nodeId: number): boolean {
  return isr.some((id) => id !== nodeId) || eligibleLeaderReplicas.some((id) => id !== nodeId);
}

function touch(touched: Map<string, Set<number>>, topicId: string, partition: number): void {
  const indexes = touched.get(topicId);
  if (indexes === undefined) touched.set(topicId, new Set([partition]));
  else indexes.add(partition);
}

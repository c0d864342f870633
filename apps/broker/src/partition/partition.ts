/**
 * One partition that this broker hosts: its log, what it is for it now (leader, follower, neither), and the fetches that
 * wait on it. Made and ended by `hosted-partitions.ts`; API handlers produce to it and read from it, `replication/`
 * brings a follower its leader's batches.
 *
 *     image says            role       serves
 *     we lead an epoch      leader     everything; replicas up to the end of the log, consumers up to the high watermark
 *     another leads         follower   consumers that may read from the nearest replica, up to the high watermark
 *     nobody leads          none       nothing
 *
 * Invariant: nothing is answered as appended, and nothing is shown to a consumer, beyond the high watermark.
 */
import { type Io, IoError, type Logger } from '@meridian/io';
import { type CompactionPolicy, type Log, LogError } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import type { BrokerLimits } from '../limits.ts';
import { refusalOf, refuse } from './append-refusal.ts';
import { appendClientBatch, checkAcks, type ProduceOptions } from './client-append.ts';
import { FetchWaiters } from './fetch-waiters.ts';
import type { AfterAnswer, LeaderAnswer, ReplicaAsk } from './follower-role.ts';
import type { ReplicaFetch } from './in-sync-set.ts';
import type { LeaderRole } from './leader-role.ts';
import type { IsrAnswer, Leadership } from './leadership.ts';
import { lowWatermark, PendingDeletions } from './low-watermark.ts';
import {
  abortOpenTransactions,
  appendMirrored,
  checkMirrorTag,
  cutMirroredBatches,
  type MirrorTag,
} from './mirror-append.ts';
import type { CurrentLeader, ProducePart } from './produce-part.ts';
import { ReplicaRoles, type RolesOwner } from './replica-roles.ts';
import type { ReplicationDoor, ReplicaWatcher } from './replication-door.ts';
import { type CompactionSettings, isThrottled, type TopicSettings } from './topic-settings.ts';
import { onlyBatch } from './validation/batch-checks.ts';
import { ProduceRefusal } from './validation/produce-refusal.ts';

export interface PartitionIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

export interface PartitionOptions extends PartitionIdentity {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Log;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly nodeId: number;
  readonly settings: TopicSettings;
  readonly replication: ReplicationDoor;
  /** The log failed; it has ended. */
  readonly onOffline: (error: Error) => void;
}

/** DeleteRecords' offset that stands for all that is committed. */
const HIGH_WATERMARK = -1;
const NOBODY: CurrentLeader = { leaderId: -1, leaderEpoch: -1 };

export class Partition implements PartitionIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  /** Consumers' fetches. */
  readonly waiters = new FetchWaiters();
  /** Followers' fetches, by way of their sessions. */
  readonly watchers = new Set<ReplicaWatcher>();
  readonly #options: PartitionOptions;
  readonly #deletions: PendingDeletions;
  #settings: TopicSettings;
  readonly #roles: ReplicaRoles;
  /** Why nothing works any more: the log failed, or the topic is gone. */
  #ended: number = ERROR.NONE;

  constructor(options: PartitionOptions) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.log = options.log;
    this.#options = options;
    this.#settings = options.settings;
    this.#deletions = new PendingDeletions(options.io.timers);
    this.#roles = new ReplicaRoles({
      ...options,
      brokers: options.replication.brokers,
      partition: this,
      owner: this.#rolesOwner(options.replication),
    });
    this.log.onProgress = () => this.#onProgress();
    this.log.onFailure = (error) => this.#onFailure(error);
  }

  /** Nothing works here any more; a topic of the same name would be another partition. */
  get hasEnded(): boolean {
    return this.#ended !== ERROR.NONE;
  }

  get isLeader(): boolean {
    return this.#roles.leader !== undefined;
  }

  /** −1 before the image has been followed. */
  get leaderEpoch(): number {
    return this.#roles.leadership?.leaderEpoch ?? -1;
  }

  get currentLeader(): CurrentLeader {
    const { leadership } = this.#roles;
    return leadership === undefined ? NOBODY : { leaderId: leadership.leader, leaderEpoch: leadership.leaderEpoch };
  }

  get highWatermark(): number {
    return this.#roles.highWatermark;
  }

  /** Where a `read_committed` reader's view ends. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.highWatermark);
  }

  /** As the leader has it, for a look; undefined on a follower. */
  get inSync(): LeaderRole['inSync'] | undefined {
    return this.#roles.leader?.inSync;
  }

  /** Whether followers are sent it no faster than a throttle says, and whether it is fetched so. */
  get isThrottledAsLeader(): boolean {
    return isThrottled(this.#settings.throttled.asLeader, this.index);
  }

  get isThrottledAsFollower(): boolean {
    return isThrottled(this.#settings.throttled.asFollower, this.index);
  }

  /** By the image. */
  get isInSync(): boolean {
    return this.#roles.leadership?.isr.includes(this.#options.nodeId) ?? false;
  }

  /** A new leader does not know yet up to where its predecessor had committed. */
  get isHighWatermarkBehind(): boolean {
    return this.#roles.leader !== undefined && this.#roles.leader.highWatermark < this.#roles.leader.epochStart;
  }

  /** ERROR.NONE while clients are served here under this epoch (−1: they do not say which they know). */
  errorFor(epoch: number): number {
    if (this.#ended !== ERROR.NONE) return this.#ended;
    if (this.#roles.leader === undefined) return ERROR.NOT_LEADER_OR_FOLLOWER;
    return epochError(epoch, this.#roles.leader.leaderEpoch);
  }

  /** The same for a consumer that may read from any replica (KIP-392). */
  errorForReader(epoch: number): number {
    if (this.#roles.leader !== undefined || this.#roles.follower === undefined) return this.errorFor(epoch);
    return this.#ended === ERROR.NONE ? epochError(epoch, this.#roles.follower.leaderEpoch) : this.#ended;
  }

  /** The image has moved: leads, follows, under a new epoch, or neither; or the in-sync set is another. */
  follow(leadership: Leadership): void {
    if (this.#ended !== ERROR.NONE) return;
    const { leader, follower } = this.#roles;
    this.#roles.follow(leadership, this.#settings);
    if (this.#roles.leader !== leader || this.#roles.follower !== follower) this.#flushIfBehind();
    if (this.#roles.leader !== leader) this.#endOrigin();
  }

  /** Of a copy that was promoted: what lies from here on is its own. */
  get cut(): number | undefined {
    return this.#settings.cuts[this.index];
  }

  configure(settings: TopicSettings): void {
    if (this.hasEnded) return;
    this.#settings = settings;
    this.log.configure(settings.log);
    this.#roles.leader?.configure(settings);
    this.#flushIfBehind();
    this.#endOrigin();
  }

  /** Takes a produce of a client or the gateway; `part` is settled now or when the log has come so far. */
  produce(part: ProducePart, records: Buffer | undefined, options: ProduceOptions): void {
    this.#append(part, (leader) => {
      const only = onlyBatch(records, options.version);
      checkAcks(part.acks);
      part.logStartOffset = this.log.startOffset;
      const settings = this.#settings;
      if (settings.writer !== 'clients') {
        throw new ProduceRefusal(
          ERROR.POLICY_VIOLATION,
          'The topic is a read-only copy: write to it where it was born.',
        );
      }
      checkReplicas(part, leader);
      const { log, leaderEpoch } = this;
      const maxDecompressedBytes = this.#options.limits.maxDecompressedBatchBytes;
      const nowMs = this.#options.io.clock.now();
      appendClientBatch(part, only, options, {
        log,
        leaderEpoch,
        settings,
        nowMs,
        maxDecompressedBytes,
        partition: this,
      });
    });
  }

  /** Takes an append of the mirror (see `mirror-append.ts`); the answer carries the log end, whatever came of it. */
  produceMirrored(part: ProducePart, records: Buffer | undefined, tag: MirrorTag): void {
    this.#append(part, (leader) => {
      part.logEnd = this.log.endOffset;
      part.logStartOffset = this.log.startOffset;
      checkMirrorTag(tag, this.#settings, this.log.endOffset);
      checkReplicas(part, leader);
      const { maxMirrorBatches } = this.#options.limits;
      const batches = cutMirroredBatches(records ?? Buffer.alloc(0), tag.expectedEnd, maxMirrorBatches);
      part.baseOffset = this.log.endOffset;
      appendMirrored(this.log, batches, tag.endOffset, this.leaderEpoch);
      part.end = part.logEnd = this.log.endOffset;
    });
  }

  /** Settles `part` once its `end` is committed, as if it had been appended now. */
  awaitCommitted(part: ProducePart): void {
    const leader = this.#roles.leader;
    if (leader === undefined || this.hasEnded) return part.settle(this.errorFor(-1));
    leader.appended(part);
    leader.watchDeadlines();
  }

  /** A follower tells by its fetch how far it has come. */
  replicaFetched(fetch: ReplicaFetch): void {
    this.#roles.leader?.fetched(fetch);
    if (!this.#deletions.isEmpty) this.#deletions.reached(this.lowWatermark);
  }

  /** What the controller said to `ReplicationDoor.alterPartition`. */
  isrAnswered(answer: IsrAnswer): void {
    this.#roles.leader?.isrAnswered(answer);
  }

  /** From time to time: followers that lag have to leave the in-sync set. */
  checkReplicas(): void {
    this.#roles.leader?.tick();
  }

  /** What to fetch from whom; undefined if this is no follower, or its disk has to come after first. */
  get replicaAsk(): ReplicaAsk | undefined {
    const { endOffset, durableEnd } = this.log;
    if (this.#ended !== ERROR.NONE || (this.#settings.fsync && durableEnd < endOffset)) return undefined;
    return this.#roles.follower?.ask();
  }

  /** An answer of the leader's; a log that fails takes the partition offline. */
  takeReplicaAnswer(asked: ReplicaAsk, answer: LeaderAnswer): AfterAnswer {
    if (this.#roles.follower === undefined || this.#ended !== ERROR.NONE) return 'void';
    try {
      return this.#roles.follower.take(asked, answer);
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof IoError)) throw error;
      this.#options.logger.error('replicated records were not taken', {
        topic: this.topic,
        partition: this.index,
        error,
      });
      return 'ask later';
    }
  }

  /** Where the log begins on every replica that lives; −1 where this broker does not lead. */
  get lowWatermark(): number {
    return this.#roles.leader === undefined ? -1 : lowWatermark(this.log.startOffset, this.#roles.leader.inSync);
  }

  /**
   * Moves the start of the log to `offset`, or to the high watermark for −1; an error code, once all replicas that live
   * have followed. The start of a copy is its origin's, so only the mirror (`asMirror`) moves that.
   */
  deleteRecords(offset: number, options: { asMirror: boolean; timeoutMs: number }): number | Promise<number> {
    const error = this.errorFor(-1);
    if (error !== ERROR.NONE) return error;
    const { writer, compactedOnly } = this.#settings;
    const mayDelete = writer === 'clients' ? !compactedOnly : writer === 'mirror' && options.asMirror;
    if (!mayDelete) return ERROR.POLICY_VIOLATION;
    const start = offset === HIGH_WATERMARK ? this.highWatermark : offset;
    if (start < 0 || start > this.highWatermark) return ERROR.OFFSET_OUT_OF_RANGE;
    try {
      if (start > this.log.startOffset) this.#advanceStart(start);
    } catch (thrown) {
      return refusalOf(thrown).errorCode;
    }
    return this.lowWatermark >= start ? ERROR.NONE : this.#deletions.wait(start, options.timeoutMs);
  }

  /**
   * Drops segments whose time is up, of those that are committed; returns how many. A follower's start is its leader's,
   * and a copy's is its own affair.
   */
  applyRetention(nowMs: number): number {
    const { retention } = this.#settings;
    if (retention === undefined || this.#roles.leader === undefined || this.hasEnded) return 0;
    const dropped = this.log.applyRetention({ ...retention, nowMs, maxOffset: this.highWatermark });
    if (dropped > 0) this.#tellCommitted();
    return dropped;
  }

  /** What the cleaner may do here, on a follower as on a leader; undefined where nothing is compacted. */
  compactionPolicy(nowMs: number): (CompactionPolicy & CompactionSettings) | undefined {
    const { compaction } = this.#settings;
    if (compaction === undefined || this.hasEnded) return undefined;
    if (this.#roles.leader === undefined && this.#roles.follower === undefined) return undefined;
    return { ...compaction, nowMs, maxOffset: this.highWatermark };
  }

  /** The topic is deleted or the broker stops: whoever waits is told, and nothing is accepted any more. */
  end(errorCode: number): void {
    this.#ended = errorCode;
    this.#roles.resign(errorCode);
    this.waiters.wake();
  }

  async close(clean: boolean): Promise<void> {
    await this.log.close(clean);
  }

  #rolesOwner(replication: ReplicationDoor): RolesOwner {
    return {
      followed: (leader) => replication.follow(this, leader),
      left: () => replication.leave(this),
      resigned: (errorCode) => this.#resigned(errorCode),
      highWatermarkMoved: () => this.#onHighWatermark(),
      alter: (change) => replication.alterPartition(this, change),
    };
  }

  #resigned(errorCode: number): void {
    this.#deletions.fail(errorCode);
    for (const watcher of [...this.watchers]) watcher.moved();
    this.waiters.wake();
  }

  #append(part: ProducePart, append: (leader: LeaderRole) => void): void {
    const leader = this.#roles.leader;
    if (leader === undefined || this.#ended !== ERROR.NONE) {
      part.settle(this.errorFor(-1));
      return;
    }
    try {
      append(leader);
    } catch (thrown) {
      return refuse(part, thrown);
    }
    if (part.acks === 0) part.settle(ERROR.NONE);
    else leader.appended(part);
  }

  #onProgress(): void {
    if (this.#roles.leader !== undefined) {
      this.#roles.leader.progress(this.log);
      if (this.watchers.size > 0) for (const watcher of this.watchers) watcher.appended();
    } else if (this.#roles.follower !== undefined && this.#settings.fsync) {
      if (this.log.durableEnd >= this.log.endOffset) this.#options.replication.ready(this);
    }
  }

  #onHighWatermark(): void {
    this.log.committed(this.highWatermark);
    this.waiters.wake();
    this.#tellCommitted();
  }

  #tellCommitted(): void {
    if (this.watchers.size === 0) return;
    for (const watcher of this.watchers) watcher.committed();
  }

  #advanceStart(start: number): void {
    this.log.advanceStart(start);
    this.#tellCommitted();
  }

  /** A copy that was promoted will never hear how its origin's open transactions end: they are aborted. */
  #endOrigin(): void {
    const { originTopicId, writer } = this.#settings;
    if (originTopicId === undefined || writer !== 'clients' || this.#roles.leader === undefined) return;
    try {
      abortOpenTransactions(this.log, this.leaderEpoch, this.#options.io.clock.now());
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof IoError)) throw error; // else the log has told by onFailure
    }
  }

  /** What counts only once it is fsynced, and was appended when that did not matter. */
  #flushIfBehind(): void {
    if (!this.#settings.fsync || this.log.durableEnd >= this.log.endOffset) return;
    this.log.flush().catch(() => undefined); // the log tells by onFailure, too
  }

  #onFailure(error: Error): void {
    this.#options.logger.error('partition offline', { topic: this.topic, partition: this.index, error });
    this.end(ERROR.KAFKA_STORAGE_ERROR);
    this.#options.onOffline(error);
  }
}

function epochError(asked: number, current: number): number {
  if (asked === -1 || asked === current) return ERROR.NONE;
  return asked < current ? ERROR.FENCED_LEADER_EPOCH : ERROR.UNKNOWN_LEADER_EPOCH;
}

function checkReplicas({ acks }: ProducePart, leader: LeaderRole): void {
  if (acks !== -1 || !leader.hasTooFewReplicas) return;
  throw new ProduceRefusal(ERROR.NOT_ENOUGH_REPLICAS, 'Fewer replicas are in sync than min.insync.replicas.');
}

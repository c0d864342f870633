/**
 * One partition that this broker hosts: its log, its leader machine, and the fetches that wait on it. Made and ended by
 * `partition-table.ts`; API handlers produce to it and read from it.
 * Invariant: nothing is answered as appended, and nothing is read, beyond the leader machine's high watermark.
 */
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';
import { type CompactionPolicy, type Log, LogError } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import { stampBaseOffset } from '@meridian/protocol/record-batch';
import type { BrokerLimits } from '../limits.ts';
import { FetchWaiters } from './fetch-waiters.ts';
import { createLeader, type Leader, type LeaderEffects, nextDeadlineMs, step } from './leader.ts';
import { appendMirrored, checkMirrorTag, cutMirroredBatches, type MirrorTag } from './mirror-append.ts';
import type { CurrentLeader, ProducePart } from './produce-part.ts';
import type { CompactionSettings, TopicSettings } from './topic-settings.ts';
import { checkClientBatch, onlyBatch, type UnpackBudget, type Validation } from './validation/batch-checks.ts';
import { ProduceRefusal } from './validation/produce-refusal.ts';

/** Refusals that do not tell where the log starts, as in Apache Kafka. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ERROR.MESSAGE_TOO_LARGE,
  ERROR.RECORD_LIST_TOO_LARGE,
  ERROR.CORRUPT_MESSAGE,
  ERROR.UNSUPPORTED_COMPRESSION_TYPE,
  ERROR.KAFKA_STORAGE_ERROR,
]);

export interface PartitionIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
}

/** What the metadata image says about it. */
export interface Leadership {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isrSize: number;
  readonly replicas: number;
}

export interface PartitionOptions extends PartitionIdentity {
  readonly io: Pick<Io, 'clock' | 'timers'>;
  readonly log: Log;
  readonly logger: Logger;
  readonly limits: BrokerLimits;
  readonly nodeId: number;
  readonly settings: TopicSettings;
  readonly leadership: Leadership;
  /** The log failed; it has ended. */
  readonly onOffline: (error: Error) => void;
}

export interface ProduceOptions {
  readonly validation: Validation;
  readonly version: number;
  readonly budget: UnpackBudget;
  /** Came by the internal listener: the answer tells more. */
  readonly isPeer: boolean;
}

/** DeleteRecords' offset that stands for all that is committed. */
const HIGH_WATERMARK = -1;

export class Partition implements PartitionIdentity {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly log: Log;
  readonly waiters = new FetchWaiters();
  readonly #io: Pick<Io, 'clock' | 'timers'>;
  readonly #logger: Logger;
  readonly #limits: BrokerLimits;
  readonly #nodeId: number;
  readonly #onOffline: PartitionOptions['onOffline'];
  #settings: TopicSettings;
  #leadership: Leadership;
  #leader: Leader<ProducePart> | undefined;
  /** Why nothing works any more: the log failed, or the topic is gone. */
  #ended: number = ERROR.NONE;
  #deadline: Timer | undefined;

  constructor(options: PartitionOptions) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.index = options.index;
    this.log = options.log;
    this.#io = options.io;
    this.#logger = options.logger;
    this.#limits = options.limits;
    this.#nodeId = options.nodeId;
    this.#onOffline = options.onOffline;
    this.#settings = options.settings;
    this.#leadership = options.leadership;
    this.log.onProgress = () => this.#onProgress();
    this.log.onFailure = (error) => this.#onFailure(error);
    this.follow(options.leadership);
  }

  /** Nothing works here any more; a topic of the same name would be another partition. */
  get hasEnded(): boolean {
    return this.#ended !== ERROR.NONE;
  }

  get leaderEpoch(): number {
    return this.#leadership.leaderEpoch;
  }

  get currentLeader(): CurrentLeader {
    return { leaderId: this.#leadership.leader, leaderEpoch: this.#leadership.leaderEpoch };
  }

  get highWatermark(): number {
    return this.#leader?.highWatermark ?? 0;
  }

  /** Where a `read_committed` reader's view ends. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset(this.highWatermark);
  }

  /** ERROR.NONE while clients are served here under this epoch (−1: they do not say which they know). */
  errorFor(epoch: number): number {
    if (this.#ended !== ERROR.NONE) return this.#ended;
    if (this.#leader === undefined) return ERROR.NOT_LEADER_OR_FOLLOWER;
    if (epoch === -1 || epoch === this.#leader.leaderEpoch) return ERROR.NONE;
    return epoch < this.#leader.leaderEpoch ? ERROR.FENCED_LEADER_EPOCH : ERROR.UNKNOWN_LEADER_EPOCH;
  }

  /** The image has moved: leads, under a new epoch, or no longer. */
  follow(leadership: Leadership): void {
    this.#leadership = leadership;
    if (this.#leader?.leaderEpoch === leadership.leaderEpoch && leadership.leader === this.#nodeId) return;
    this.#resign(ERROR.NOT_LEADER_OR_FOLLOWER);
    this.#leader = undefined;
    if (leadership.leader !== this.#nodeId || this.#ended !== ERROR.NONE) return;
    const { fsync } = this.#settings;
    this.log.beginEpoch(leadership.leaderEpoch);
    const highWatermark = fsync ? this.log.durableEnd : this.log.writtenEnd;
    this.#leader = createLeader({ leaderEpoch: leadership.leaderEpoch, fsync, highWatermark });
    if (fsync && this.log.durableEnd < this.log.endOffset) this.#flush();
  }

  configure(settings: TopicSettings): void {
    this.#settings = settings;
    this.log.configure(settings.log);
    if (this.#leader === undefined) return;
    this.#leader.fsync = settings.fsync;
    this.#onProgress();
  }

  /** Takes a produce of a client or the gateway; `part` is settled now or when the log has come so far. */
  produce(part: ProducePart, records: Buffer | undefined, options: ProduceOptions): void {
    this.#append(part, () => {
      const only = onlyBatch(records, options.version);
      if (part.acks < -1 || part.acks > 1) throw new ProduceRefusal(ERROR.INVALID_REQUIRED_ACKS, 'No such acks.');
      part.logStartOffset = this.log.startOffset;
      if (this.#settings.originTopicId !== undefined) {
        throw new ProduceRefusal(
          ERROR.POLICY_VIOLATION,
          'The topic is a read-only copy: write to it where it was born.',
        );
      }
      const { isrSize, replicas } = this.#leadership;
      // Never more than there are replicas at all, as in Apache Kafka.
      if (part.acks === -1 && isrSize < Math.min(this.#settings.minInsyncReplicas, replicas)) {
        throw new ProduceRefusal(ERROR.NOT_ENOUGH_REPLICAS, 'Fewer replicas are in sync than min.insync.replicas.');
      }
      const nowMs = this.#io.clock.now();
      const maxDecompressedBytes = this.#limits.maxDecompressedBatchBytes;
      const { validation, budget } = options;
      const given = { validation, nowMs, maxDecompressedBytes, budget, partition: this };
      const { batch, header } = checkClientBatch(only, this.#settings, given);
      part.logAppendTimeMs = this.#settings.logAppendTime ? nowMs : -1;
      const sequence = this.log.producers.check(header);
      if (sequence.kind === 'error') throw new ProduceRefusal(sequence.errorCode, sequence.detail);
      if (sequence.kind === 'duplicate') {
        part.baseOffset = sequence.firstOffset;
        part.end = sequence.lastOffset + 1;
        part.logAppendTimeMs = sequence.timestamp; // whatever the timestamp type, as in Apache Kafka
        if (options.isPeer) {
          part.storedEpoch = this.log.epochs.epochAt(sequence.firstOffset);
          part.duplicate = true;
        }
        return;
      }
      part.baseOffset = this.log.endOffset;
      if (options.isPeer) part.storedEpoch = this.leaderEpoch;
      stampBaseOffset(batch, 0, part.baseOffset);
      this.log.append([batch], this.leaderEpoch);
      part.end = this.log.endOffset;
    });
  }

  /** Takes an append of the mirror (see `mirror-append.ts`); the answer carries the log end, whatever came of it. */
  produceMirrored(part: ProducePart, records: Buffer | undefined, tag: MirrorTag): void {
    this.#append(part, () => {
      part.logEnd = this.log.endOffset;
      part.logStartOffset = this.log.startOffset;
      checkMirrorTag(tag, this.#settings.originTopicId, this.log.endOffset);
      const batches = cutMirroredBatches(records ?? Buffer.alloc(0), tag.expectedEnd, this.#limits.maxMirrorBatches);
      part.baseOffset = this.log.endOffset;
      appendMirrored(this.log, batches, tag.endOffset, this.leaderEpoch);
      part.end = part.logEnd = this.log.endOffset;
    });
  }

  /** Settles `part` once its `end` is committed, as if it had been appended now. */
  awaitCommitted(part: ProducePart): void {
    const error = this.errorFor(-1);
    if (error !== ERROR.NONE) return part.settle(error);
    const leader = this.#leader!;
    this.#perform(step(leader, { kind: 'appended', acknowledgement: part }, this.#io.clock.monotonic()));
    if (leader.waiting.length > 0) this.#armDeadline(leader);
  }

  /**
   * Moves the start of the log to `offset`, or to the high watermark for −1; an error code. The start of a copy is its
   * origin's, so only the mirror (`asMirror`) moves that.
   */
  deleteRecords(offset: number, asMirror: boolean): number {
    const error = this.errorFor(-1);
    if (error !== ERROR.NONE) return error;
    if (this.#settings.compactedOnly) return ERROR.POLICY_VIOLATION;
    if (this.#settings.originTopicId !== undefined && !asMirror) return ERROR.POLICY_VIOLATION;
    const start = offset === HIGH_WATERMARK ? this.highWatermark : offset;
    if (start < 0 || start > this.highWatermark) return ERROR.OFFSET_OUT_OF_RANGE;
    try {
      if (start > this.log.startOffset) this.log.advanceStart(start);
      return ERROR.NONE;
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      if (refusal === undefined) throw thrown;
      return refusal.errorCode;
    }
  }

  /** Drops segments whose time is up, of those that are committed; returns how many. A copy's start is its own affair. */
  applyRetention(nowMs: number): number {
    const { retention } = this.#settings;
    if (retention === undefined || this.#leader === undefined || this.hasEnded) return 0;
    return this.log.applyRetention({ ...retention, nowMs, maxOffset: this.highWatermark });
  }

  /** What the cleaner may do here; undefined where nothing is compacted, or not by this broker. */
  compactionPolicy(nowMs: number): (CompactionPolicy & CompactionSettings) | undefined {
    const { compaction } = this.#settings;
    if (compaction === undefined || this.#leader === undefined || this.hasEnded) return undefined;
    return { ...compaction, nowMs, maxOffset: this.highWatermark };
  }

  /** The topic is deleted or the broker stops: whoever waits is told, and nothing is accepted any more. */
  end(errorCode: number): void {
    this.#ended = errorCode;
    this.#resign(errorCode);
    this.waiters.wake();
  }

  async close(clean: boolean): Promise<void> {
    this.#deadline?.cancel();
    await this.log.close(clean);
  }

  #append(part: ProducePart, append: () => void): void {
    const error = this.errorFor(-1);
    if (error !== ERROR.NONE) {
      part.currentLeader = this.currentLeader;
      part.settle(error);
      return;
    }
    try {
      append();
    } catch (thrown) {
      const refusal = asRefusal(thrown);
      if (refusal === undefined) throw thrown;
      part.recordErrors = refusal.recordErrors;
      if (WITHOUT_LOG_START.has(refusal.errorCode)) part.logStartOffset = -1;
      part.settle(refusal.errorCode, refusal.message);
      return;
    }
    if (part.acks === 0) part.settle(ERROR.NONE);
    else this.#perform(step(this.#leader!, { kind: 'appended', acknowledgement: part }, this.#io.clock.monotonic()));
  }

  #onProgress(): void {
    const leader = this.#leader;
    if (leader === undefined) return;
    const { writtenEnd, durableEnd } = this.log;
    this.#perform(step(leader, { kind: 'progress', writtenEnd, durableEnd }, this.#io.clock.monotonic()));
    if (leader.waiting.length > 0) this.#armDeadline(leader);
  }

  #perform(effects: LeaderEffects<ProducePart>): void {
    for (const part of effects.answer) part.settle(effects.errorCode);
    if (!effects.highWatermarkMoved) return;
    this.log.committed(this.highWatermark);
    this.waiters.wake();
  }

  #armDeadline(leader: Leader<ProducePart>): void {
    if (this.#deadline !== undefined) return;
    const delayMs = Math.max(0, nextDeadlineMs(leader) - this.#io.clock.monotonic());
    this.#deadline = this.#io.timers.after(delayMs, () => {
      this.#deadline = undefined;
      this.#perform(step(leader, { kind: 'tick' }, this.#io.clock.monotonic()));
      if (leader.waiting.length > 0) this.#armDeadline(leader);
    });
  }

  #resign(errorCode: number): void {
    this.#deadline?.cancel();
    this.#deadline = undefined;
    if (this.#leader === undefined) return;
    this.#perform(step(this.#leader, { kind: 'resign', errorCode }, this.#io.clock.monotonic()));
    this.waiters.wake();
  }

  #flush(): void {
    this.log.flush().catch(() => undefined); // the log tells by onFailure, too
  }

  #onFailure(error: Error): void {
    this.#logger.error('partition offline', { topic: this.topic, partition: this.index, error });
    this.end(ERROR.KAFKA_STORAGE_ERROR);
    this.#onOffline(error);
  }
}

/** What an append may run into besides bugs: the checks, and a log that takes no more. */
function asRefusal(error: unknown): ProduceRefusal | undefined {
  if (error instanceof ProduceRefusal) return error;
  if (error instanceof IoError) return new ProduceRefusal(ERROR.KAFKA_STORAGE_ERROR, error.message);
  if (!(error instanceof LogError)) return undefined;
  const code = error.code === 'batch-too-large' ? ERROR.RECORD_LIST_TOO_LARGE : ERROR.KAFKA_STORAGE_ERROR;
  return new ProduceRefusal(code, error.message);
}

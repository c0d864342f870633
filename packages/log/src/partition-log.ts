/**
 * The log of one partition: keeps the books (end, epochs, producers, segments, tail) and leaves carrying bytes to the
 * writer and finding them to the reader. Made by `openLog`.
 * Invariant: startOffset ≤ durableEnd ≤ writtenEnd ≤ endOffset, except while the start lies behind what is durable.
 */
import { type Io, IoError } from '@meridian/io';
import { type BatchHeader, readBatchHeader, stampLeaderEpoch } from '@meridian/protocol/record-batch';
import { LogCompaction } from './cleaner/compaction.ts';
import type { EpochList, OriginEpochList } from './epoch-list.ts';
import { LogError } from './errors.ts';
import { MAX_RELATIVE_OFFSET, MAX_SEGMENT_BYTES } from './limits.ts';
import type {
  AbortedTransaction,
  AppendResult,
  EpochCache,
  EpochEntry,
  Log,
  LogConfig,
  LogLimits,
  ProducerState,
  ReadOptions,
  ReadResult,
  Retention,
  TimestampOffset,
} from './log-interface.ts';
import type { LogMarks, MarksStore } from './log-marks.ts';
import { readSegments, readTail } from './log-reader.ts';
import { LogWriter } from './log-writer.ts';
import { removeProducerBatches } from './producer-batches.ts';
import { restoreProducers, saveProducers, tidySnapshots } from './producer-restore.ts';
import type { ProducerTable } from './producer-state.ts';
import { countExpired } from './retention.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';
import type { TailBudget } from './tail-budget.ts';
import { TailCache } from './tail-cache.ts';
import { findMaxTimestamp, findTimestamp } from './timestamp-lookup.ts';
import { cutSegments } from './truncation.ts';

export interface LogParts {
  readonly io: Io;
  readonly config: LogConfig;
  readonly limits: LogLimits;
  readonly segments: SegmentList;
  readonly tailBudget: TailBudget;
  readonly epochs: EpochList;
  readonly originEpochs: OriginEpochList;
  readonly producers: ProducerTable;
  readonly marks: LogMarks;
  readonly store: MarksStore;
  /** Of the newest producer snapshot; −1 if there is none. */
  readonly snapshotOffset: number;
  readonly damage: string | undefined;
  readonly showsDurableOnly: boolean;
  readonly areNamesDurable: boolean;
  readonly syncParent: () => Promise<void>;
}

const NOTHING: readonly Buffer[] = Object.freeze([]);

export class PartitionLog implements Log {
  readonly folder: string;
  startOffset: number;
  endOffset: number;
  readonly savedHighWatermark: number;
  readonly recoveredDamage: string | undefined;
  readonly epochs: EpochCache;
  readonly originEpochs: EpochCache;
  readonly producers: ProducerState;
  readonly compaction: LogCompaction;
  onProgress: () => void = () => {};
  onFailure: (error: IoError | Error) => void = () => {};
  private readonly io: Io;
  private config: LogConfig;
  private readonly segments: SegmentList;
  private readonly tail: TailCache;
  private readonly writer: LogWriter;
  private readonly epochList: EpochList;
  private readonly originEpochList: OriginEpochList;
  private readonly producerTable: ProducerTable;
  /** As in the file. */
  private recoveryPoint: number;
  /** The start that is known to be in the file. */
  private savedStart: number;
  private closed = false;
  private readonly showsDurableOnly: boolean;
  private readonly store: MarksStore;
  /** Where the producers were last written down. */
  private snapshotOffset: number;
  /** The active segment is rolled so much earlier than `segmentMs`. */
  private rollJitterMs = 0;

  constructor(parts: LogParts) {
    this.io = parts.io;
    this.store = parts.store;
    this.snapshotOffset = parts.snapshotOffset;
    this.config = parts.config;
    this.showsDurableOnly = parts.showsDurableOnly;
    this.segments = parts.segments;
    this.folder = parts.segments.folder;
    this.epochs = this.epochList = parts.epochs;
    this.originEpochs = this.originEpochList = parts.originEpochs;
    this.producers = this.producerTable = parts.producers;
    this.recoveredDamage = parts.damage;
    this.endOffset = parts.segments.active.nextOffset;
    this.startOffset = Math.max(parts.marks.startOffset, parts.segments.first.baseOffset);
    this.recoveryPoint = Math.min(parts.marks.recoveryPoint, this.endOffset);
    this.tail = new TailCache(parts.limits.tailBytes, parts.tailBudget, parts.io.memory);
    this.savedStart = this.startOffset;
    this.savedHighWatermark = Math.max(this.startOffset, Math.min(parts.store.savedHighWatermark, this.endOffset));
    this.producerTable.committed(this.savedHighWatermark);
    for (const epochs of [this.epochList, this.originEpochList]) {
      epochs.truncateFromEnd(this.endOffset);
      if (this.startOffset < this.endOffset) epochs.truncateFromStart(this.startOffset);
      epochs.beforeSave = () => this.saveStart();
    }
    this.originEpochList.save();
    this.writer = new LogWriter(parts.io, this.folder, this.endOffset, this.recoveryPoint, {
      autoSync: parts.config.fsync,
      areNamesDurable: parts.areNamesDurable,
      syncParent: parts.syncParent,
      maxPendingBytes: parts.limits.pendingBytes,
      events: {
        written: (end) => this.tail.written(end),
        progress: () => this.onProgress(),
        durable: (end, sealed) => this.noteDurable(end, sealed),
        failed: (error) => this.failed(error),
      },
    });
    this.tail.written(this.endOffset);
    this.drawRollJitter();
    this.compaction = new LogCompaction({
      io: parts.io,
      segments: parts.segments,
      producers: parts.producers,
      state: () => this.compactionState(),
      fail: (error) => this.writer.fail(error),
      writeMarks: () => this.store.flush(),
    });
    this.writer.adopt(parts.segments.all.filter((segment) => segment.nextOffset > this.recoveryPoint));
    if (parts.config.fsync) this.writer.syncNow();
  }

  get writtenEnd(): number {
    return this.writer.writtenEnd;
  }

  get durableEnd(): number {
    return this.writer.durableEnd;
  }

  get sizeInBytes(): number {
    return this.segments.sizeInBytes;
  }

  get failure(): Error | undefined {
    return this.writer.failure;
  }

  append(batches: readonly Buffer[], leaderEpoch: number | undefined): AppendResult {
    this.ensureOpen();
    const firstOffset = this.endOffset;
    const headers = this.readHeaders(batches);
    for (let index = 0; index < batches.length; index++) this.place(batches[index]!, headers[index]!, leaderEpoch);
    return { firstOffset: headers[0]?.baseOffset ?? firstOffset, lastOffset: this.endOffset - 1 };
  }

  appendMirrored(batches: readonly Buffer[], leaderEpoch: number): AppendResult {
    this.ensureOpen();
    for (const header of this.readHeaders(batches)) {
      this.orFail(() => this.originEpochList.assign(header.partitionLeaderEpoch, header.baseOffset));
    }
    return this.append(batches, leaderEpoch);
  }

  appendReplicated(bytes: Buffer, headers: readonly BatchHeader[], originEpochs: readonly EpochEntry[] = []): void {
    this.ensureOpen();
    this.orFail(() => {
      for (const { epoch, startOffset } of originEpochs) this.originEpochList.assign(epoch, startOffset);
      this.writer.writePending();
    });
    this.tail.clear();
    let from = 0;
    let at = 0;
    for (const header of headers) {
      if (this.mustRoll(header)) {
        if (at > from) this.writer.queue(this.segments.active, bytes.subarray(from, at), this.endOffset);
        from = at;
        this.orFail(() => this.roll());
      }
      const start = at;
      at += header.sizeInBytes;
      this.note(header, header.partitionLeaderEpoch, () => bytes.subarray(start, at));
      this.endOffset = header.nextOffset;
    }
    this.writer.queue(this.segments.active, bytes.subarray(from, at), this.endOffset);
    this.orFail(() => this.writer.writePending());
  }

  endLeading(): void {
    this.epochList.truncateFromEnd(this.endOffset);
    this.originEpochList.truncateFromEnd(this.endOffset);
  }

  beginEpoch(leaderEpoch: number): void {
    this.ensureOpen();
    this.epochList.assign(leaderEpoch, this.endOffset);
  }

  committed(highWatermark: number): void {
    this.producerTable.committed(highWatermark);
    this.store.noteHighWatermark(highWatermark);
  }

  expireProducers(nowMs: number, expirationMs: number): void {
    this.producerTable.expire(nowMs, expirationMs);
  }

  lastStableOffset(highWatermark: number): number {
    return Math.max(this.startOffset, Math.min(highWatermark, this.producerTable.firstUnstableOffset));
  }

  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    this.ensureOpen();
    const { all } = this.segments;
    const found: AbortedTransaction[] = [];
    return this.orFail(() => {
      for (let index = this.segments.indexFor(from); index < all.length; index++) {
        for (const { producerId, firstOffset, lastOffset, lastStableOffset } of all[index]!.transactions.entries(
          this.io.disk,
        )) {
          if (lastOffset >= from && firstOffset < to) found.push({ producerId, firstOffset });
          if (lastStableOffset >= to) return found;
        }
      }
      return found;
    });
  }

  flush(): Promise<void> {
    this.ensureOpen();
    return this.writer.flush();
  }

  read(offset: number, options: ReadOptions): ReadResult {
    this.ensureOpen();
    if (offset < this.startOffset || offset > this.endOffset) {
      throw new LogError('out-of-range', `${offset} in ${this.folder} (${this.startOffset} to ${this.endOffset})`);
    }
    if (offset === this.endOffset) return { buffers: NOTHING, bytes: 0, nextOffset: offset, fromTail: true };
    const newest = readTail(this.tail, offset, options, this.io.memory);
    if (newest !== undefined) return newest;
    const { indexIntervalBytes } = this.config;
    return this.orFail(() =>
      readSegments(this.segments, offset, { ...options, indexIntervalBytes, memory: this.io.memory }),
    );
  }

  offsetForTimestamp(timestamp: number): TimestampOffset | undefined {
    this.ensureOpen();
    return findTimestamp(this, this.segments, timestamp);
  }

  offsetOfMaxTimestamp(): TimestampOffset | undefined {
    this.ensureOpen();
    return findMaxTimestamp(this, this.segments);
  }

  truncateTo(offset: number): void {
    this.ensureOpen();
    if (offset >= this.endOffset) return;
    if (offset <= this.startOffset) return this.truncateFullyAndStartAt(this.startOffset);
    this.orFail(() => {
      this.writer.writePending();
      this.saveMarks(Math.min(this.recoveryPoint, this.segments.all[this.segments.indexFor(offset)]!.baseOffset));
      this.endOffset = cutSegments(this.io.disk, this.segments, offset, this.config.indexIntervalBytes);
      this.afterCut();
    });
  }

  truncateFullyAndStartAt(offset: number): void {
    this.ensureOpen();
    this.orFail(() => {
      this.startOffset = this.endOffset = offset;
      this.saveMarks(0);
      this.segments.removeFrom(0);
      this.segments.create(offset);
      this.afterCut();
    });
  }

  advanceStart(offset: number): void {
    this.ensureOpen();
    if (offset <= this.startOffset) return;
    if (offset > this.endOffset) throw new LogError('out-of-range', `${offset} in ${this.folder}`);
    this.orFail(() => this.moveStart(offset));
  }

  applyRetention(retention: Retention): number {
    this.ensureOpen();
    const count = countExpired(this.segments.all, retention);
    if (count === 0) return 0;
    return this.orFail(() => {
      if (count === this.segments.all.length) this.roll();
      return this.moveStart(Math.max(this.startOffset, this.segments.all[count]!.baseOffset));
    });
  }

  configure(config: Partial<LogConfig>): void {
    this.config = { ...this.config, ...config };
    this.writer.autoSync = this.config.fsync;
  }

  async close(clean: boolean): Promise<void> {
    if (this.closed) return;
    try {
      if (clean && this.failure === undefined) await this.closeCleanly();
    } finally {
      this.closed = true;
      if (!clean) {
        this.writer.abandon();
        this.segments.abandon();
      }
      await this.writer.settle();
      this.tail.clear();
      this.segments.close();
    }
  }

  private async closeCleanly(): Promise<void> {
    await this.writer.flush();
    await this.writer.settle();
    if (this.segments.active.sealRecovered(false)) this.io.disk.syncFolder(this.folder);
    const isEmpty = this.segments.all.every(({ size }) => size === 0);
    if (this.snapshotOffset !== this.endOffset && !isEmpty) this.takeSnapshot();
    this.saveMarks(this.endOffset);
  }

  /** Returns how many segments went. */
  private moveStart(offset: number): number {
    this.startOffset = offset;
    this.epochList.truncateFromStart(offset);
    this.originEpochList.truncateFromStart(offset);
    this.store.write({ recoveryPoint: this.recoveryPoint, startOffset: offset });
    return this.segments.dropBelow(offset, this.config.fileDeleteDelayMs);
  }

  private compactionState() {
    const { startOffset, recoveryPoint: durableEnd, config } = this;
    return { isOpen: !this.closed && this.writer.failure === undefined, startOffset, durableEnd, config };
  }

  private ensureOpen(): void {
    if (this.closed) throw new LogError('closed', this.folder);
    if (this.writer.failure !== undefined) {
      throw new LogError('offline', `${this.folder}: ${this.writer.failure.message}`, { cause: this.writer.failure });
    }
  }

  private failed(error: Error): void {
    if (this.config.fsync || this.showsDurableOnly) this.forgetUnsynced();
    this.onFailure(error);
  }

  /**
   * Nobody was shown what no fsync has covered. After a failed one the kernel may still show it to the next process, but
   * the disk does not have it: what is appended behind it would be lost with it.
   */
  private forgetUnsynced(): void {
    try {
      cutSegments(this.io.disk, this.segments, this.durableEnd, this.config.indexIntervalBytes);
    } catch (error) {
      if (!(error instanceof IoError)) throw error; // the device is gone; what it holds is read when it is back
    }
  }

  /** Runs what touches the disk: an `IoError` takes the log offline. */
  private orFail<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof IoError) this.writer.fail(error);
      throw error;
    }
  }

  /** Checks all batches before the first of them changes anything. */
  private readHeaders(batches: readonly Buffer[]): BatchHeader[] {
    let end = this.endOffset;
    return batches.map((batch) => {
      const header = readBatchHeader(batch);
      if (header.sizeInBytes !== batch.length || header.baseOffset < end) {
        throw new LogError('not-contiguous', `batch at ${header.baseOffset} where ${this.folder} ends at ${end}`);
      }
      if (header.lastOffset - end > MAX_RELATIVE_OFFSET || batch.length > MAX_SEGMENT_BYTES) {
        throw new LogError('batch-too-large', `${batch.length} bytes up to offset ${header.lastOffset}`);
      }
      end = header.nextOffset;
      return header;
    });
  }

  private place(batch: Buffer, header: BatchHeader, leaderEpoch: number | undefined): void {
    if (leaderEpoch !== undefined) stampLeaderEpoch(batch, 0, leaderEpoch);
    if (this.mustRoll(header)) this.orFail(() => this.roll());
    this.note(header, leaderEpoch ?? header.partitionLeaderEpoch, () => batch);
    // The tail holds the memory of what is queued until it is written.
    const kept = this.tail.push(this.endOffset, header.nextOffset, batch);
    this.endOffset = header.nextOffset;
    this.writer.queue(this.segments.active, kept, header.nextOffset);
  }

  /** Enters a batch that goes to the end of the active segment in all books. */
  private note(header: BatchHeader, leaderEpoch: number, bytes: () => Buffer): void {
    const segment = this.segments.active;
    const position = segment.size;
    segment.note(header, position, this.config.indexIntervalBytes);
    segment.sound(position, segment.size);
    this.epochList.assign(leaderEpoch, header.baseOffset);
    const aborted = this.producerTable.update(header, bytes);
    if (aborted !== undefined) this.orFail(() => segment.transactions.append(aborted, this.io.disk));
  }

  private mustRoll(header: BatchHeader): boolean {
    return !this.segments.active.hasRoomFor(header, this.config, this.config.segmentMs - this.rollJitterMs);
  }

  /** The next segment begins where this one ends, so that recovery can tell a lost tail from a gap. */
  private roll(): void {
    const full = this.segments.active;
    this.writer.writePending();
    this.takeSnapshot();
    if (this.segments.all.length === 1) this.writer.nameFirst();
    this.segments.create(this.endOffset);
    this.drawRollJitter();
    this.writer.segmentSealed(full);
  }

  /** For a segment that becomes the active one. */
  private drawRollJitter(): void {
    const mostMs = Math.min(this.config.segmentJitterMs, this.config.segmentMs);
    this.rollJitterMs = mostMs > 0 ? Math.floor(this.io.random.next() * mostMs) : 0;
  }

  /** So that a restart begins with the producers from here. */
  private takeSnapshot(): void {
    saveProducers(this.io.disk, this.folder, this.endOffset, this.producerTable);
    this.snapshotOffset = this.endOffset;
  }

  private restoreProducers(): void {
    const { disk } = this.io;
    removeProducerBatches(disk, this.folder); // other batches may come to lie at their offsets
    const input = { disk, folder: this.folder, names: disk.list(this.folder), producers: this.producerTable };
    tidySnapshots(input, this.segments.all, this.endOffset);
    this.snapshotOffset = restoreProducers(input, this.segments.all, this.endOffset);
  }

  private afterCut(): void {
    this.tail.clear();
    this.tail.written(this.endOffset);
    this.writer.truncated(this.endOffset);
    this.epochList.truncateFromEnd(this.endOffset);
    this.originEpochList.truncateFromEnd(this.endOffset);
    this.originEpochList.save();
    this.restoreProducers();
    this.io.disk.syncFolder(this.folder); // of the snapshots too: what they tell of is another log by now
    this.compaction.truncated(this.endOffset);
  }

  /**
   * Sealed segments have become durable: a restart need not check them again. The recovery point does not lie inside the
   * active one: it would be trusted, once it is sealed, before its indexes are durable.
   */
  private noteDurable(end: number, sealed: readonly Segment[]): void {
    if (sealed.length === 0) return;
    this.saveMarks(Math.max(this.recoveryPoint, Math.min(end, sealed.at(-1)!.nextOffset)));
    for (const segment of sealed) segment.unloadIndexes();
  }

  private saveStart(): void {
    if (this.savedStart !== this.startOffset) this.store.flush();
    this.savedStart = this.startOffset;
  }

  /** The epochs first: below the recovery point nobody rebuilds them. */
  private saveMarks(recoveryPoint: number): void {
    this.epochList.save();
    this.originEpochList.save();
    this.store.write({ recoveryPoint, startOffset: this.startOffset });
    this.recoveryPoint = recoveryPoint;
  }
}

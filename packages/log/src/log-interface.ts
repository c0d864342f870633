/**
 * What a partition log promises its owner (a broker's partition, the metadata log): the types, and nothing else.
 * The ordering law: an offset below `writtenEnd` survives the death of the process, one below `durableEnd` the loss of
 * power. Whoever shows a record to somebody, or acknowledges it, waits for one of the two.
 */
import type { Io, IoError } from '@meridian/io';
import type { BatchHeader } from '@meridian/protocol/record-batch';
import type { Compaction } from './cleaner/policy.ts';
import type { FilePool } from './file-pool.ts';
import type { MarksStore } from './log-marks.ts';
import type { TailBudget } from './tail-budget.ts';

export interface LogConfig {
  /** Largest size of a `.log` file; Kafka's `segment.bytes`. */
  readonly segmentBytes: number;
  /** Bytes between two entries of the offset index; Kafka's `index.interval.bytes`. */
  readonly indexIntervalBytes: number;
  /** Span of record timestamps after which the active segment is rolled; Kafka's `segment.ms`. */
  readonly segmentMs: number;
  /** The most that it is shortened by, at random for each segment; Kafka's `segment.jitter.ms`. */
  readonly segmentJitterMs: number;
  /** Size at which an index is full and its segment closed; Kafka's `segment.index.bytes`. */
  readonly indexBytes: number;
  /** How long files that retention dropped stay under their `.deleted` names; Kafka's `file.delete.delay.ms`. */
  readonly fileDeleteDelayMs: number;
  /** Whether every append is followed by a group-committed fsync without being asked for. */
  readonly fsync: boolean;
}

export interface OpenLogOptions {
  readonly io: Io;
  /** `<data folder>/<topic>-<partition>`; created if missing. */
  readonly folder: string;
  /** Canonical uuid text; kept in `partition.metadata`, and refused when that names another. */
  readonly topicId?: string | undefined;
  readonly config?: Partial<LogConfig> | undefined;
  readonly limits?: Partial<LogLimits> | undefined;
  /** Where recovery point, log start and high watermark are kept; without one, in a file of the folder's own. */
  readonly marks?: MarksStore | undefined;
  /** The owner shows nothing to anybody before `flush` has made it durable, whatever `fsync` says; default false. */
  readonly showsDurableOnly?: boolean | undefined;
  /** Bounds the open files of all logs that share it. */
  readonly filePool?: FilePool | undefined;
  /** Makes the folder's name durable, for all who ask at a time together; without it, each log syncs the parent itself. */
  readonly syncParent?: (() => Promise<void>) | undefined;
  /** Memory for the newest batches, shared by the logs of a process. */
  readonly tailBudget?: TailBudget | undefined;
}

export interface LogLimits {
  /** Newest bytes that this log keeps in memory. */
  readonly tailBytes: number;
  /** Appended bytes that may wait for the end of the turn before they are written at once. */
  readonly pendingBytes: number;
  /** Producers whose state is kept; beyond it the one that was silent for longest is forgotten. */
  readonly producers: number;
}

/** What old segments have to leave for; Kafka's `cleanup.policy` delete. */
export interface Retention {
  /** Wall clock. */
  readonly nowMs: number;
  /** Age of a segment's newest record at which it goes; negative or infinite: never. */
  readonly retentionMs: number;
  /** Size of the log above which its oldest segments go; negative or infinite: never. */
  readonly retentionBytes: number;
  /** Nothing that reaches beyond it goes: the high watermark. */
  readonly maxOffset: number;
}

export interface AppendResult {
  /** Offset of the first batch, and of the last record of the last. */
  readonly firstOffset: number;
  readonly lastOffset: number;
}

export interface ReadOptions {
  /** Bytes to return at most. */
  readonly maxBytes: number;
  /** No batch that reaches this offset or beyond is returned (high watermark, last stable offset). Default: the end. */
  readonly maxOffset?: number | undefined;
  /** Return the first batch even if it is larger than `maxBytes`. */
  readonly minOneBatch?: boolean | undefined;
  /** The buffers are looked at in this turn only, or held (`Memory`). Default: they are the caller's for good. */
  readonly forTurn?: boolean | undefined;
}

/** Whole batches, in order; the first one contains or follows the offset asked for. Nobody writes to them meanwhile. */
export interface ReadResult {
  readonly buffers: readonly Buffer[];
  readonly bytes: number;
  /** Where to read on: behind the last batch returned, or the offset asked for if there is none. */
  readonly nextOffset: number;
  /** False if the disk was read. */
  readonly fromTail: boolean;
}

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface EpochCache {
  /** Ascending in epoch and in start offset. */
  readonly entries: readonly EpochEntry[];
  /** −1 if there is none. */
  readonly latestEpoch: number;
  /** Kafka's OffsetForLeaderEpoch: the largest epoch ≤ `epoch` and where it ends; `{−1, −1}` if there is none. */
  endOffsetFor(epoch: number): { epoch: number; endOffset: number };
  /** The epoch that the offset was written in; −1 if unknown. */
  epochAt(offset: number): number;
}

export type SequenceCheck =
  | { readonly kind: 'ok' }
  /** The batch is in the log already; answer with its first offset. */
  | {
      readonly kind: 'duplicate';
      readonly firstOffset: number;
      readonly lastOffset: number;
      /** Its largest. */
      readonly timestamp: number;
    }
  /** Kafka's error code: 45 out of order, 47 epoch is fenced. */
  | { readonly kind: 'error'; readonly errorCode: 45 | 47; readonly detail: string };

export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  /** Of its last batch with records; −1 if only a marker is known. */
  readonly lastDataOffset: number;
  /** Largest timestamp of its last batch. */
  readonly lastTimestamp: number;
  /** Of the coordinator that ended its last transaction; −1 if none is known. */
  readonly coordinatorEpoch: number;
  /** First offset of the transaction that is open; −1 if there is none. */
  readonly currentTxnStartOffset: number;
}

export interface ProducerState {
  /** Kafka's rules for a batch that a client sends; changes nothing. Batches without a producer id are `ok`. */
  check(header: BatchHeader): SequenceCheck;
  /** Producers that have written batches, each with the last one's sequence and timestamp. */
  active(): Iterable<ActiveProducer>;
  /** Producers known. */
  readonly size: number;
}

/** A transaction whose records a `read_committed` reader leaves out, as Fetch answers tell it. */
export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface TimestampOffset {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export interface Log {
  readonly folder: string;
  /** First offset that can be read. */
  readonly startOffset: number;
  /** Offset of the next record (log end offset). */
  readonly endOffset: number;
  /** Below it everything has been handed to the operating system. */
  readonly writtenEnd: number;
  /** Below it everything is fsynced. */
  readonly durableEnd: number;
  /** Bytes in all segments. */
  readonly sizeInBytes: number;
  /** The high watermark that was noted by an earlier process, as far as the log reaches. */
  readonly savedHighWatermark: number;
  /** The error that took the log offline. */
  readonly failure: Error | undefined;
  /** What recovery cut off when the log was opened, for the log line. */
  readonly recoveredDamage: string | undefined;
  readonly epochs: EpochCache;
  /** Epochs of the region where the records were born; for mirror copies only. */
  readonly originEpochs: EpochCache;
  readonly producers: ProducerState;
  readonly compaction: Compaction;

  /**
   * Appends batches (one per buffer) that have their final offsets, at or behind the end, and stamps `leaderEpoch`
   * (undefined: keeps the batches' own, on a follower). The buffers belong to the log from then on. Readable at once,
   * written in one go at the end of the turn; `onProgress` tells.
   */
  append(batches: readonly Buffer[], leaderEpoch: number | undefined): AppendResult;
  /**
   * Appends a leader's batches, which lie in `bytes` one after another, each with its header; they keep their epochs. All
   * are written when it returns, so the bytes stay the caller's. `originEpochs`: of a copy, those of the origin's that begin
   * in them, durable before.
   */
  appendReplicated(bytes: Buffer, headers: readonly BatchHeader[], originEpochs?: readonly EpochEntry[]): void;
  /** The same for a mirror's batches: their epochs are kept as the origin's, durably, before ours is stamped. */
  appendMirrored(batches: readonly Buffer[], leaderEpoch: number): AppendResult;
  /** Notes that a leader's epoch begins at the end of the log, before it has written anything. */
  beginEpoch(leaderEpoch: number): void;
  /** Another leads from now on: epochs that began here without a record are forgotten. */
  endLeading(): void;
  /**
   * The high watermark has come so far: transactions that ended below it are decided for everybody. Goes back only before
   * a follower's log is cut.
   */
  committed(highWatermark: number): void;
  /** Forgets producers that have been silent for so long, by their records' time; those with an open transaction stay. */
  expireProducers(nowMs: number, expirationMs: number): void;
  /** First offset, up to `highWatermark`, of which it is not decided whether it will be read: Kafka's LSO. */
  lastStableOffset(highWatermark: number): number;
  /** Aborted transactions with records from `from` up to `to`, by the offsets of their markers. */
  abortedTransactions(from: number, to: number): AbortedTransaction[];
  /** Resolves when everything appended before the call is durable; rejects if the log goes offline. */
  flush(): Promise<void>;
  /** Whole batches from `offset` on; throws `out-of-range` below the start or above the end. */
  read(offset: number, options: ReadOptions): ReadResult;
  /** First record whose timestamp is at least `timestamp`. Reads the disk. */
  offsetForTimestamp(timestamp: number): TimestampOffset | undefined;
  /** The record with the largest timestamp. */
  offsetOfMaxTimestamp(): TimestampOffset | undefined;
  /** Drops every batch that reaches `offset` or beyond; the end may come to lie lower. Durable when it returns. */
  truncateTo(offset: number): void;
  /** Drops everything and goes on at `offset`. */
  truncateFullyAndStartAt(offset: number): void;
  /** Moves the start forward and removes segments that lie below it. */
  advanceStart(offset: number): void;
  /** Drops the segments whose time is up, oldest first, and moves the start behind them; returns how many went. */
  applyRetention(retention: Retention): number;
  /** Changes settings for what is appended from now on. */
  configure(config: Partial<LogConfig>): void;
  /** Clean: all is written, fsynced and marked. Else as a crash would leave it, but with nothing held open. */
  close(clean: boolean): Promise<void>;
  /** `writtenEnd` or `durableEnd` has moved. Called from the event loop, never from inside `append`. */
  onProgress: () => void;
  /** The log went offline: every later append, read and flush throws. */
  onFailure: (error: IoError | Error) => void;
}

/**
 * What a fetcher takes and gives, without code: subscriptions in, slices of whole batches out. Part of the client's
 * interface. Invariant: a slice is the bytes that came; nothing here decodes a record.
 */
import type { Zstd } from '@meridian/io';
import type { FrameMemory } from '@meridian/protocol';
import type { TopicPartition } from '../types.ts';

export interface FetcherOptions {
  /** How long a broker may hold a fetch that has nothing to deliver. */
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  /** Of one answer; a first batch larger than this is delivered all the same. */
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  /** Default `read_uncommitted`. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
  /** Answers as large as the way to the leader wants them; `maxBytes` and `partitionMaxBytes` are the least then. */
  readonly adaptive?: AdaptiveFetch;
  /**
   * Where large answers may lie (`Io.memory`): who keeps bytes of a slice beyond the turn in which it was handed them
   * holds them, and releases them once. Default: memory that the collector takes care of.
   */
  readonly memory?: FrameMemory;
  /** Records are compressed on their way here, by leaders of ours that understand it. Default: they come as they lie. */
  readonly compression?: WireCompression;
}

export interface WireCompression {
  readonly codec: WireCodecName;
  /** `Io.zstd`. */
  readonly zstd: Zstd;
}

export type WireCodecName = 'zstd' | 'lz4';

/**
 * A long way (`ClientLimits.adaptiveRttMs` and more) wants much under way: what the line carries in a round trip and a
 * half. All fetchers of a client together take `ClientLimits.adaptiveBytes` for it at most.
 */
export interface AdaptiveFetch {
  /** The most that one answer may be asked to hold, of each leader. */
  readonly maxBytes: number;
  /** The same of all answers under way together, of leaders that let fetches go ahead of answers. Default `maxBytes`. */
  readonly maxAheadBytes?: number;
  /** What came and is not done with yet: so much less is under way. */
  readonly waitingBytes?: () => number;
}

/**
 * Long polls, one loop per leader for all of its partitions. A paused partition is not asked for; what was under way
 * when it was paused is still delivered.
 */
export interface Fetcher {
  add(subscription: FetchSubscription): FetchHandle;
  /** All partitions at once, e.g. while a shared budget is used up; independent of each handle's own pause. */
  pause(): void;
  resume(): void;
  close(): void;
  readonly traffic: FetchTraffic;
}

/** Of a fetcher, since it was made. */
export interface FetchTraffic {
  /** Bytes of records as they came over the line, and as they were delivered. */
  readonly wireBytes: number;
  readonly recordBytes: number;
  /** Leaders that do not understand `compression`: their records come as they lie. */
  readonly plainLeaders: readonly number[];
}

export interface FetchSubscription extends TopicPartition {
  /** The first offset wanted; the first batch delivered may begin below it. */
  readonly offset: number;
  /** The topic that is meant; a topic of this name with another id is `UNKNOWN_TOPIC_ID`. Default: the id found first. */
  readonly topicId?: string;
  /** Epoch of the record before `offset`: the leader compares, and a diverged log is reported by `onError`. */
  readonly lastFetchedEpoch?: number;
  /** Asks for the origin's epochs, from the n-th on (0: all); followed up by itself. */
  readonly originEpochsFrom?: number;
  onBatches(slice: FetchedSlice): void;
  /** Not retriable: the partition rests until `seek` or `remove`. */
  onError(error: FetchFailure): void;
  /**
   * An answer without data: the log begins at `logStartOffset` and ends at `highWatermark`; with `hole`, it has no batch
   * from the position up to there. A start or end that moves while the partition is idle is told within `maxWaitMs`.
   */
  onEnd?(highWatermark: number, hole: boolean, logStartOffset: number): void;
  /** Before the first fetch from a leader of this epoch; `pause()` in here keeps it from being sent. */
  onLeaderEpoch?(leaderEpoch: number): void;
  /** Something that is retried by itself went wrong; for status. */
  onRetry?(reason: string): void;
}

export interface FetchedSlice {
  /** Whole batches, slices of the answer's frame: keep them briefly or copy. */
  readonly buffers: readonly Buffer[];
  readonly sizeInBytes: number;
  /** What of it came over the line: less, where it was compressed. */
  readonly wireBytes: number;
  /** Base offset of the first batch, and the offset after the last one. */
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Leader epoch in the last batch's header. */
  readonly lastEpoch: number;
  readonly highWatermark: number;
  /** Up to here every transaction has ended; −1 where the broker does not tell. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** With `read_committed`: whose transactional batches are void, from this offset up to the abort marker. */
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** New entries since the last slice; an answer that brings nothing else is delivered too, without buffers. */
  readonly originEpochs: readonly OriginEpoch[];
  /** So much may come without being asked for again. Who pauses before, leaves a long line idle. */
  readonly underWayBytes: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface OriginEpoch {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface FetchFailure {
  /** Kafka's code, e.g. 1 OFFSET_OUT_OF_RANGE; `diverged`: see `divergence`. */
  readonly code: number | 'diverged' | 'corrupt';
  readonly detail: string;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** With `corrupt`: the offsets that the bad batch takes, `to` exclusive, where it can be told; `seek` behind goes on. */
  readonly range?: { readonly from: number; readonly to: number };
  /** With `diverged`: the leader's end of the largest epoch that both sides can share. */
  readonly divergence?: { readonly epoch: number; readonly endOffset: number };
}

export interface FetchHandle {
  /** The next offset that will be fetched. */
  readonly position: number;
  /** Leaves whatever is under way undelivered, and wakes a partition that rests after an error. */
  seek(offset: number, lastFetchedEpoch?: number): void;
  pause(): void;
  resume(): void;
  remove(): void;
}

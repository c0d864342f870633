/**
 * What goes into and comes out of the machine of a partition that is re-based into an Apache Kafka cluster. Invariant:
 * plain data, apart from the batches' bytes; every effect with an `id` is answered at most once under that id, by the
 * target or, after a timeout, by the shell (`refused`, `unanswered`).
 */
import type { LostRange as LostOffsets, RunChange, StoredRun } from '@meridian/coordinates';
import type { Codec } from '@meridian/protocol/record-batch';
import type { GapPolicy } from '../gaps/gap-record.ts';
import type { TaskCommand } from '../task/mirror-task.ts';
import type { RecordGap } from '../task/open-loss.ts';

export type RebasedPhase =
  | 'idle'
  | 'fencing'
  | 'loading'
  | 'proving'
  | 'mirroring'
  | 'settling'
  | 'restarting'
  | 'recording'
  | 'superseded'
  | 'paused'
  | 'halted';

export type RefusalKind = 'unanswered' | 'sequence' | 'superseded' | 'too-large' | 'refused';

export interface Segment {
  readonly originStart: number;
  readonly count: number;
}

/** A batch of the origin. `aborted` and the control batches are skipped (`AbortedData` of the client tells them apart). */
export interface SourceBatch {
  readonly kind: 'data' | 'control' | 'aborted';
  readonly epoch: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Its records, by origin offset: one segment if it is dense, none if compaction took them all. */
  readonly segments: readonly Segment[];
  readonly sizeInBytes: number;
  readonly timestampMs: number;
  readonly bytes: Buffer;
  /** It may become one batch with others that follow one another and are of the same codec; null: it stays by itself. */
  readonly mergesAs: Codec | null;
}

/** The last batch of the copy's log that is not a control batch, by its header. */
export interface LandedBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** Where the table ended when nothing but control batches, aborted data or holes came behind its last run. */
export interface SkippedTo {
  readonly originEnd: number;
  readonly localEnd: number;
}

export interface Found {
  readonly runs: readonly StoredRun[];
  readonly lost: readonly LostOffsets[];
  readonly skipped: SkippedTo | null;
  readonly lastBatch: LandedBatch | null;
  readonly logStart: number;
  readonly logEnd: number;
}

/** Where the origin begins and ends now. */
export interface SourceRange {
  readonly sourceStart: number;
  readonly sourceEnd: number;
}

export type RebasedInput =
  | TaskCommand
  /** The markers of the aborted transaction lie in the copy and in `__meridian_runs`. */
  | {
      readonly type: 'fenced';
      readonly producerId: number;
      readonly producerEpoch: number;
      /** In which the copy was led before that; −1: not known. */
      readonly copyEpoch: number;
    }
  /** Read after `fenced`: runs and log, both to the end. */
  | ({ readonly type: 'loaded' } & Found & SourceRange)
  /** The origin's answer to `prove`: its largest epoch ≤ the one asked for, and where that ends; −1: it knows none. */
  | { readonly type: 'proved'; readonly epoch: number; readonly endOffset: number }
  /** `fence`, `load` or `prove` did not come through. */
  | { readonly type: 'failed'; readonly reason: string }
  /** Another task has taken over. */
  | { readonly type: 'superseded'; readonly reason: string }
  | { readonly type: 'leaderEpoch'; readonly epoch: number }
  /** In order, without holes between them that are not the origin's; up to `nextOffset` nothing else has been committed. */
  | ({
      readonly type: 'fetched';
      readonly batches: readonly SourceBatch[];
      readonly nextOffset: number;
      readonly sizeInBytes: number;
    } & SourceRange)
  | {
      readonly type: 'fetchFailed';
      readonly kind: 'diverged' | 'recreated' | 'out-of-range' | 'other';
      readonly detail: string;
    }
  /** Something that the client retries by itself. */
  | { readonly type: 'trouble'; readonly reason: string }
  | { readonly type: 'saved'; readonly id: number }
  | { readonly type: 'produced'; readonly id: number; readonly baseOffset: number }
  /**
   * `unanswered`: it may have landed. `sequence`: the broker does not know where we are. `too-large`: of fewer records it
   * may be taken. `refused`: for good.
   */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly kind: RefusalKind;
      readonly reason: string;
    }
  /** The lost range is on record, and this is what becomes of it; or the record could not be written. */
  | { readonly type: 'recorded'; readonly policy: GapPolicy }
  | { readonly type: 'unrecorded'; readonly reason: string }
  | { readonly type: 'retry' };

export type InputOf<T extends RebasedInput['type']> = Extract<RebasedInput, { type: T }>;

/** One batch for one request; the bytes are the origin's, or made of several of its batches. */
export interface ProduceEffect {
  readonly type: 'produce';
  readonly id: number;
  readonly batch: SourceBatch;
  /** What of the batch is wanted; if `isWhole`, all of it, and it goes on without being taken apart. */
  readonly segments: readonly Segment[];
  readonly isWhole: boolean;
  readonly localStart: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** One batch into `__meridian_runs`, in order, under the partition's producer id. */
export interface SaveEffect {
  readonly type: 'save';
  readonly id: number;
  readonly changes: readonly RunChange[];
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export type RebasedEffect =
  | { readonly type: 'fence' }
  | { readonly type: 'load' }
  | { readonly type: 'prove'; readonly epoch: number }
  | { readonly type: 'fetch'; readonly offset: number; readonly lastEpoch: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stopFetching' }
  | SaveEffect
  | ProduceEffect
  /** The copy's log start. Nobody waits for it. */
  | { readonly type: 'deleteRecords'; readonly localStart: number }
  | RecordGap
  /** Input `retry` after full jitter for the n-th failure in a row. `isSlow`: nothing will change soon. */
  | { readonly type: 'retryLater'; readonly failures: number; readonly isSlow: boolean }
  /** Input `retry` once shares are settled: a partition that is not ours any more is stopped by then. */
  | { readonly type: 'restTakenOver' };

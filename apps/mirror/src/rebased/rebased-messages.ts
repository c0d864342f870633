/**
 * What goes into and comes out of the machine of a partition that is re-based into an Apache Kafka cluster. Invariant:
 * plain data, apart from the batches' bytes; every effect with an `id` is answered at most once under that id, by the
 * target or, after a timeout, by the shell (`refused`, `unanswered`).
 */
import type { RunChange, StoredRun } from '@meridian/coordinates';

export type RebasedPhase =
  | 'idle'
  | 'fencing'
  | 'loading'
  | 'proving'
  | 'mirroring'
  | 'settling'
  | 'restarting'
  | 'superseded'
  | 'halted';

export interface Segment {
  readonly originStart: number;
  readonly count: number;
}

/** A batch of the origin. `aborted` and the control batches are skipped (`committed.ts` tells them apart). */
export interface SourceBatch {
  readonly kind: 'data' | 'control' | 'aborted';
  readonly epoch: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Its records, by origin offset: one segment if it is dense, none if compaction took them all. */
  readonly segments: readonly Segment[];
  readonly sizeInBytes: number;
  readonly bytes: Uint8Array;
}

/** The last batch of the copy's log that is not a control batch, by its header. */
export interface LandedBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export interface Found {
  readonly runs: readonly StoredRun[];
  readonly lastBatch: LandedBatch | null;
  readonly logStart: number;
  readonly logEnd: number;
}

export type RebasedInput =
  | { readonly type: 'start' }
  /** The markers of the aborted transaction lie in the copy and in `__meridian_runs`. */
  | { readonly type: 'fenced'; readonly producerId: number; readonly producerEpoch: number }
  | ({ readonly type: 'loaded'; readonly sourceStart: number; readonly sourceEnd: number } & Found)
  | { readonly type: 'proved'; readonly epoch: number; readonly endOffset: number }
  /** `fence`, `load` or `prove` did not come through. */
  | { readonly type: 'failed'; readonly reason: string }
  /** The coordinator or a leader says that another task has taken over. */
  | { readonly type: 'superseded'; readonly reason: string }
  | { readonly type: 'leaderEpoch'; readonly epoch: number }
  | {
      readonly type: 'fetched';
      readonly batches: readonly SourceBatch[];
      readonly nextOffset: number;
      readonly sourceEnd: number;
    }
  /** The origin deleted what lies below. */
  | { readonly type: 'originStarts'; readonly offset: number }
  | {
      readonly type: 'fetchFailed';
      readonly kind: 'diverged' | 'recreated' | 'out-of-range' | 'other';
      readonly detail: string;
    }
  | { readonly type: 'saved'; readonly id: number }
  | { readonly type: 'produced'; readonly id: number; readonly baseOffset: number }
  /** `unanswered`: it may have landed. `sequence`: the broker does not know where we are. `refused`: for good. */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly kind: 'unanswered' | 'sequence' | 'superseded' | 'refused';
      readonly reason: string;
    }
  | { readonly type: 'retry' }
  | { readonly type: 'halt'; readonly reason: string };

/** One batch for one request; the bytes are the origin's. */
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

export type RebasedEffect =
  | { readonly type: 'fence' }
  | { readonly type: 'load' }
  | { readonly type: 'prove'; readonly epoch: number }
  | { readonly type: 'fetch'; readonly offset: number; readonly lastEpoch: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stopFetching' }
  /** One batch into `__meridian_runs`, in order, under the partition's producer id. */
  | {
      readonly type: 'save';
      readonly id: number;
      readonly changes: readonly RunChange[];
      readonly producerId: number;
      readonly producerEpoch: number;
      readonly baseSequence: number;
    }
  | ProduceEffect
  /** The copy's log start. */
  | { readonly type: 'deleteRecords'; readonly localStart: number }
  | { readonly type: 'retryLater'; readonly failures: number };

export interface RebasedLimits {
  /** Batches of one partition without an answer: a broker recognises the last 5 of a producer when they come again. */
  readonly batchesInFlight: number;
  /** Changes of the table in one record batch. */
  readonly changesPerSave: number;
  /** Fetched and not yet acknowledged: fetching rests above it, and goes on below half of it. */
  readonly partitionInFlightBytes: number;
}

export const DEFAULT_REBASED_LIMITS: RebasedLimits = {
  batchesInFlight: 5,
  changesPerSave: 1_000,
  partitionInFlightBytes: 4 * 1024 * 1024,
};

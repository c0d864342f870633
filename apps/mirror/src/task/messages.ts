/**
 * What goes into and comes out of the machine of one mirrored partition. The shell turns answers of brokers into
 * inputs and performs the effects. Invariant: plain data, apart from the batches, which nobody looks into.
 */

import type { GapPolicy } from '../gaps/gap-record.ts';
import type { OpenTransaction } from './broken-transactions.ts';
import type { AppendOutcome, CopyAppend } from './copy-writer.ts';
import type { TaskCommand } from './mirror-task.ts';
import type { RecordGap } from './open-loss.ts';

export type RefusalKind = Exclude<AppendOutcome['kind'], 'appended'>;

export type TaskInput =
  | TaskCommand
  /** Both ends: the copy's end and the origin epoch of its last record (−1: it has none), and the origin's range. */
  | {
      readonly type: 'located';
      /** In which the copy was led when it was looked at; −1: not known. */
      readonly copyEpoch: number;
      readonly copyStart: number;
      readonly targetEnd: number;
      readonly lastEpoch: number;
      readonly sourceStart: number;
      readonly sourceEnd: number;
    }
  /** The origin's answer to `prove`: its largest epoch ≤ the one asked for, and where that ends; −1: it knows none. */
  | { readonly type: 'proved'; readonly epoch: number; readonly endOffset: number }
  /** The answer to `findBroken`. */
  | { readonly type: 'broken'; readonly transactions: readonly OpenTransaction[] }
  /** `locate`, `prove` or `findBroken` did not come through. */
  | { readonly type: 'failed'; readonly reason: string }
  /** The origin's partition has a leader of this epoch, which has not been fetched from yet. */
  | { readonly type: 'leaderEpoch'; readonly epoch: number }
  | {
      readonly type: 'fetched';
      readonly buffers: readonly Buffer[];
      readonly sizeInBytes: number;
      /** Of all that came of the partition in the answer that this is a part of. */
      readonly answerBytes: number;
      /** Of the first record. */
      readonly timestampMs: number;
      readonly baseOffset: number;
      readonly nextOffset: number;
      readonly lastEpoch: number;
      readonly highWatermark: number;
      readonly logStartOffset: number;
    }
  /** Nothing to fetch; with `hole`, and nothing up to `highWatermark` either. */
  | {
      readonly type: 'end';
      readonly highWatermark: number;
      readonly hole: boolean;
      readonly logStartOffset: number;
    }
  | {
      readonly type: 'fetchFailed';
      readonly kind: 'diverged' | 'recreated' | 'out-of-range' | 'other';
      readonly detail: string;
    }
  /** Something that the client retries by itself. */
  | { readonly type: 'trouble'; readonly reason: string }
  | { readonly type: 'appended'; readonly id: number }
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

export type TaskEffect =
  | { readonly type: 'locate' }
  | { readonly type: 'prove'; readonly epoch: number }
  /** Which transactions are open in the copy, and not at the origin any more. */
  | { readonly type: 'findBroken' }
  /** From here on, whatever was fetched before. */
  | { readonly type: 'fetch'; readonly offset: number; readonly lastEpoch: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stopFetching' }
  | ({ readonly type: 'append'; readonly id: number } & CopyAppend)
  /** What the origin has deleted goes from the copy, too. Nobody waits for it. */
  | { readonly type: 'advanceStart'; readonly offset: number }
  | RecordGap
  /** Input `retry` after full jitter for the n-th failure in a row; 0: at once. `isSlow`: nothing will change soon. */
  | { readonly type: 'retryLater'; readonly failures: number; readonly isSlow: boolean };

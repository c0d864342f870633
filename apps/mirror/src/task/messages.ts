/**
 * What goes into and comes out of the machine of one mirrored partition. The shell turns answers of brokers into
 * inputs and performs the effects. Invariant: plain data, apart from the batches, which nobody looks into.
 */

export type TaskInput =
  | { readonly type: 'start' }
  /** Both ends: the copy's end and the origin epoch of its last record (−1: it has none), and the origin's range. */
  | {
      readonly type: 'located';
      readonly targetEnd: number;
      readonly lastEpoch: number;
      readonly sourceStart: number;
      readonly sourceEnd: number;
    }
  /** The origin's answer to `prove`: its largest epoch ≤ the one asked for, and where that ends; −1: it knows none. */
  | { readonly type: 'proved'; readonly epoch: number; readonly endOffset: number }
  /** `locate` or `prove` did not come through. */
  | { readonly type: 'failed'; readonly reason: string }
  /** The origin's partition has a leader of this epoch, which has not been fetched from yet. */
  | { readonly type: 'leaderEpoch'; readonly epoch: number }
  | {
      readonly type: 'fetched';
      readonly buffers: readonly Buffer[];
      readonly sizeInBytes: number;
      readonly baseOffset: number;
      readonly nextOffset: number;
      readonly lastEpoch: number;
      readonly highWatermark: number;
    }
  /** Nothing to fetch; with `hole`, and nothing up to `highWatermark` either. */
  | { readonly type: 'end'; readonly highWatermark: number; readonly hole: boolean }
  | {
      readonly type: 'fetchFailed';
      readonly kind: 'diverged' | 'recreated' | 'out-of-range' | 'other';
      readonly detail: string;
    }
  /** Where the origin and the copy end, or why not, while nothing is fetched: also of a partition that is halted. */
  | { readonly type: 'observed'; readonly sourceEnd: number }
  | { readonly type: 'observedCopy'; readonly targetEnd: number }
  | { readonly type: 'unobserved'; readonly reason: string }
  /** Something that the client retries by itself. */
  | { readonly type: 'trouble'; readonly reason: string }
  | { readonly type: 'appended'; readonly id: number }
  /** `mismatch`: the log ends elsewhere. `foreign`: it is a copy of something else, or none. */
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly kind: 'mismatch' | 'foreign' | 'other';
      readonly reason: string;
    }
  | { readonly type: 'retry' }
  | { readonly type: 'halt'; readonly reason: string };

export type TaskEffect =
  | { readonly type: 'locate' }
  | { readonly type: 'prove'; readonly epoch: number }
  /** From here on, whatever was fetched before. */
  | { readonly type: 'fetch'; readonly offset: number; readonly lastEpoch: number }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'stopFetching' }
  /** `endOffset` −1: the end of the batches. */
  | {
      readonly type: 'append';
      readonly id: number;
      readonly buffers: readonly Buffer[];
      readonly sizeInBytes: number;
      readonly expectedEnd: number;
      readonly endOffset: number;
    }
  /** Input `retry` after full jitter for the n-th failure in a row; 0: at once. */
  | { readonly type: 'retryLater'; readonly failures: number };

/**
 * Walks the batches that lie one behind another in a run of bytes (a `records` field, a slice of a segment) without
 * touching their records. Invariant: a batch that is yielded lies in the bytes as a whole and its header is sound.
 */
import { RecordBatchError } from './errors.ts';
import { type BatchHeader, readBatchHeader, wholeBatchSize } from './header.ts';

export interface BatchView<Bytes extends Uint8Array = Uint8Array> {
  /** Where the batch begins in the bytes that were walked. */
  readonly at: number;
  readonly header: BatchHeader;
  /** The batch, header included: a view, not a copy. */
  readonly bytes: Bytes;
}

/**
 * Yields every batch. `tail` says what bytes that end inside a batch mean: `whole` (an error, the default) or `partial`
 * (the walk ends there: a fetch may cut its last batch off).
 */
export function* iterateBatches<Bytes extends Uint8Array>(
  bytes: Bytes,
  tail: 'whole' | 'partial' = 'whole',
): Generator<BatchView<Bytes>, void, undefined> {
  for (let at = 0; at < bytes.length; ) {
    const size = wholeBatchSize(bytes, at);
    if (size === undefined) {
      if (tail === 'partial') return;
      throw new RecordBatchError('truncated', `batch at byte ${at} of ${bytes.length}`);
    }
    yield { at, header: readBatchHeader(bytes, at), bytes: bytes.subarray(at, at + size) as Bytes };
    at += size;
  }
}

/** Bytes that whole batches take from the start on; what lies behind is the beginning of one more batch, or nothing. */
export function wholeBatchesSize(bytes: Uint8Array): number {
  let at = 0;
  for (;;) {
    const size = at < bytes.length ? wholeBatchSize(bytes, at) : undefined;
    if (size === undefined) return at;
    at += size;
  }
}

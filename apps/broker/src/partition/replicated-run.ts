/**
 * The batches of a leader's answer, as far as they may be appended: whole, sound in form and checksum, each behind the
 * one before, in epochs that only grow. Called by the follower machine; reads headers and sums, copies nothing.
 * Invariant: what comes back is a run of bytes that the log can take as it lies.
 */
import { nativeCrc32c } from '@meridian/protocol';
import {
  type BatchHeader,
  batchCrcValid,
  RecordBatchError,
  readBatchHeader,
  wholeBatchSize,
} from '@meridian/protocol/record-batch';

export interface ReplicatedRun {
  readonly bytes: Buffer;
  /** One per batch. */
  readonly headers: readonly BatchHeader[];
  readonly nextOffset: number;
  /** Why what follows them was left out; it is fetched again. */
  readonly trouble: string | undefined;
}

/** What a segment can number. */
const MAX_OFFSET_SPAN = 2 ** 31 - 1;

export const NO_RUN: ReplicatedRun = { bytes: Buffer.alloc(0), headers: [], nextOffset: -1, trouble: undefined };

export function soundRun(
  bytes: Buffer,
  log: { readonly endOffset: number; readonly epochs: { readonly latestEpoch: number } },
  leaderEpoch: number,
): ReplicatedRun {
  const headers: BatchHeader[] = [];
  let end = log.endOffset;
  let epoch = log.epochs.latestEpoch;
  let from = 0;
  let at = 0;
  let trouble: string | undefined;
  try {
    for (let size = wholeBatchSize(bytes, at); size !== undefined; size = wholeBatchSize(bytes, at)) {
      const header = readBatchHeader(bytes, at);
      if (headers.length === 0 && header.nextOffset <= log.endOffset) {
        from = at += size; // reads begin with a whole batch, and what we have may be in it
        continue;
      }
      trouble = problemOf(header, { end, epoch, leaderEpoch });
      if (trouble === undefined && !batchCrcValid(bytes.subarray(at, at + size), nativeCrc32c))
        trouble = 'a wrong checksum';
      if (trouble !== undefined) break;
      headers.push(header);
      end = header.nextOffset;
      epoch = header.partitionLeaderEpoch;
      at += size;
    }
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    trouble = error.message;
  }
  if (trouble === undefined && headers.length === 0 && at < bytes.length) trouble = 'no whole batch';
  if (trouble !== undefined) trouble = `${trouble} at offset ${end}`;
  return { bytes: bytes.subarray(from, at), headers, nextOffset: end, trouble };
}

function problemOf(
  { baseOffset, lastOffset, partitionLeaderEpoch }: BatchHeader,
  { end, epoch, leaderEpoch }: { readonly end: number; readonly epoch: number; readonly leaderEpoch: number },
): string | undefined {
  if (baseOffset < end) return `a batch that begins at ${baseOffset}`;
  if (lastOffset - end > MAX_OFFSET_SPAN) return `a batch that ends at ${lastOffset}`;
  if (partitionLeaderEpoch < epoch) return `a batch of epoch ${partitionLeaderEpoch} behind epoch ${epoch}`;
  if (partitionLeaderEpoch > leaderEpoch) return `a batch of epoch ${partitionLeaderEpoch}, newer than its leader`;
  return undefined;
}

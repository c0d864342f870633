/**
 * Makes of a slice of a `read_committed` fetch what the machine takes: its batches one by one, each told to be data,
 * control or aborted. Called by the shell for every slice. Invariant: only a batch that compaction has thinned out is
 * looked into; of any other, the header alone is read.
 */
import { AbortedData, type FetchedSlice } from '@meridian/client';
import { decompress } from '@meridian/protocol';
import {
  type BatchHeader,
  type Codec,
  iterateBatches,
  type PayloadOptions,
  readRecords,
} from '@meridian/protocol/record-batch';
import type { MirrorLimits } from '../limits.ts';
import type { Segment, SourceBatch } from './rebased-messages.ts';

type Slice = Pick<FetchedSlice, 'buffers' | 'abortedTransactions'>;

export function sourceBatches(
  { buffers, abortedTransactions }: Slice,
  { mergePackedBytes }: Pick<MirrorLimits, 'mergePackedBytes'>,
): SourceBatch[] {
  const aborted = new AbortedData(abortedTransactions);
  const batches: SourceBatch[] = [];
  for (const buffer of buffers) {
    for (const { bytes, header } of iterateBatches(buffer)) {
      const kind = aborted.kindOf(header, bytes);
      batches.push({
        kind,
        epoch: header.partitionLeaderEpoch,
        baseOffset: header.baseOffset,
        nextOffset: header.nextOffset,
        segments: kind === 'data' ? segmentsOf(bytes, header, { decompress }) : [],
        sizeInBytes: header.sizeInBytes,
        timestampMs: header.baseTimestamp,
        bytes,
        mergesAs: kind === 'data' ? mergesAs(header, mergePackedBytes) : null,
      });
    }
  }
  return batches;
}

/** The records of a batch as segments: without looking into it if it is dense. */
export function segmentsOf(bytes: Uint8Array, header: BatchHeader, options: PayloadOptions): Segment[] {
  const { baseOffset, recordCount, lastOffsetDelta } = header;
  if (recordCount === lastOffsetDelta + 1) return [{ originStart: baseOffset, count: recordCount }];
  const segments: { originStart: number; count: number }[] = [];
  for (const { offset } of readRecords(bytes, options)) {
    const last = segments.at(-1);
    if (last !== undefined && last.originStart + last.count === offset) last.count++;
    else segments.push({ originStart: offset, count: 1 });
  }
  return segments;
}

/** Of a batch that lacks no record, if what it says of the time stands in each of them. */
function mergesAs(header: BatchHeader, mergePackedBytes: number): Codec | null {
  const { codec, recordCount, lastOffsetDelta, hasLogAppendTime, sizeInBytes } = header;
  const isDense = recordCount > 0 && recordCount === lastOffsetDelta + 1;
  const isCheap = codec === 'none' || sizeInBytes <= mergePackedBytes;
  return isDense && isCheap && !hasLogAppendTime ? codec : null;
}

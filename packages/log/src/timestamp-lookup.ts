/**
 * Finds records by time, as ListOffsets asks: the time index leads near, then batches are read, and the one that
 * matters is opened. A batch that cannot be decoded counts as a whole.
 */
import { decompress } from '@meridian/protocol';
import {
  type BatchHeader,
  iterateBatches,
  type Rec,
  RecordBatchError,
  readRecords,
} from '@meridian/protocol/record-batch';
import { HEADER_CHUNK_BYTES } from './limits.ts';
import type { Log, TimestampOffset } from './log-interface.ts';
import type { SegmentList } from './segment-list.ts';

/** The first record at or behind the log's start whose timestamp is at least `timestamp`. */
export function findTimestamp(log: Log, segments: SegmentList, timestamp: number): TimestampOffset | undefined {
  for (const segment of segments.all) {
    if (segment.maxTimestamp < timestamp || segment.nextOffset <= log.startOffset) continue;
    segment.loadIndexes();
    segments.touch(segment);
    const near = segment.baseOffset + segment.timeIndex.offsetFor(timestamp);
    const found = searchFrom(log, Math.max(near, log.startOffset), segment.nextOffset, timestamp);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first record that bears the log's largest timestamp. */
export function findMaxTimestamp(log: Log, segments: SegmentList): TimestampOffset | undefined {
  const readable = segments.all.filter((segment) => segment.nextOffset > log.startOffset && segment.size > 0);
  if (readable.length === 0) return undefined;
  let latest = readable[0]!;
  for (const segment of readable) if (segment.maxTimestamp > latest.maxTimestamp) latest = segment;
  if (latest.maxTimestamp < 0) return undefined;
  const from = Math.max(log.startOffset, latest.maxTimestampOffset);
  return searchFrom(log, from, log.endOffset, latest.maxTimestamp);
}

function searchFrom(log: Log, from: number, to: number, timestamp: number): TimestampOffset | undefined {
  for (let offset = from; offset < to; ) {
    const slice = log.read(offset, { maxBytes: HEADER_CHUNK_BYTES, minOneBatch: true });
    if (slice.buffers.length === 0) return undefined;
    for (const buffer of slice.buffers) {
      for (const { header, bytes } of iterateBatches(buffer)) {
        const record =
          header.maxTimestamp >= timestamp ? firstRecord(bytes, header, log.startOffset, timestamp) : undefined;
        if (record !== undefined) return { ...record, leaderEpoch: header.partitionLeaderEpoch };
      }
    }
    offset = slice.nextOffset;
  }
  return undefined;
}

function firstRecord(
  bytes: Uint8Array,
  header: BatchHeader,
  startOffset: number,
  timestamp: number,
): { offset: number; timestamp: number } | undefined {
  try {
    const matches = (record: Rec) => record.timestamp >= timestamp && record.offset >= startOffset;
    const record = readRecords(bytes, { decompress }).find(matches);
    return record === undefined ? undefined : { offset: record.offset, timestamp: record.timestamp };
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
    return { offset: Math.max(header.baseOffset, startOffset), timestamp: header.maxTimestamp };
  }
}

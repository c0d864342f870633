/**
 * Finds whole batches for a reader: in the tail cache without a system call, else by one `read` of the segment in most
 * cases (a reader that reads on is remembered, so not even the index is asked). Used by the log and by its lookups.
 * Invariant: nothing comes from a file whose CRC was not checked since the segment was opened, or written since.
 */
import type { Memory } from '@meridian/io';
import { nativeCrc32c } from '@meridian/protocol';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchCrcValid,
  batchLastOffset,
  batchSizeInBytes,
  RecordBatchError,
  wholeBatchSize,
} from '@meridian/protocol/record-batch';
import { LogError } from './errors.ts';
import { MAX_READ_BUFFERS, MIN_DISK_READ_BYTES } from './limits.ts';
import type { ReadOptions, ReadResult } from './log-interface.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';
import type { TailCache } from './tail-cache.ts';

const NO_BUFFERS: readonly Buffer[] = Object.freeze([]);

/** Batches from the tail cache; undefined if it begins behind `offset`. */
export function readTail(
  tail: TailCache,
  offset: number,
  options: ReadOptions,
  memory: Memory,
): ReadResult | undefined {
  const first = tail.find(offset);
  if (first === undefined) return undefined;
  const maxOffset = options.maxOffset ?? Number.MAX_SAFE_INTEGER;
  const buffers: Buffer[] = [];
  let bytes = 0;
  let nextOffset = offset;
  for (let index = first; buffers.length < MAX_READ_BUFFERS; index++) {
    const entry = tail.entry(index);
    if (entry === undefined || entry.nextOffset > maxOffset) break;
    const fits = bytes + entry.buffer.length <= options.maxBytes;
    if (!fits && !(options.minOneBatch === true && buffers.length === 0)) break;
    buffers.push(entry.buffer);
    if (options.forTurn !== true) memory.hold(entry.buffer); // for good
    bytes += entry.buffer.length;
    nextOffset = entry.nextOffset;
  }
  return { buffers, bytes, nextOffset, fromTail: true };
}

export interface SegmentReadOptions extends ReadOptions {
  readonly indexIntervalBytes: number;
  /** Of reads for the turn. */
  readonly memory: Memory;
}

/** Batches from the files. Everything from `offset` up to the written end must lie there. */
export function readSegments(segments: SegmentList, offset: number, options: SegmentReadOptions): ReadResult {
  for (let index = segments.indexFor(offset); index < segments.all.length; index++) {
    const segment = segments.all[index]!;
    if (segment.nextOffset <= offset) continue;
    const result = readIndexed(segment, offset, options);
    segments.touch(segment);
    if (result !== undefined) return result;
  }
  return { buffers: NO_BUFFERS, bytes: 0, nextOffset: offset, fromTail: false };
}

/** An index that leads astray is dropped, and the segment searched from its beginning. */
function readIndexed(segment: Segment, offset: number, options: SegmentReadOptions): ReadResult | undefined {
  const position = segment.positionFor(offset);
  const slack = segment.readHint.offset === offset ? 0 : options.indexIntervalBytes;
  try {
    return readSegment(segment, offset, position, slack, options);
  } catch (error) {
    if (position === 0 || !(error instanceof LogError)) throw error;
    segment.resetIndexes();
    return readSegment(segment, offset, 0, slack, options);
  }
}

function readSegment(
  segment: Segment,
  offset: number,
  from: number,
  slack: number,
  options: SegmentReadOptions,
): ReadResult | undefined {
  let position = from;
  let wanted = Math.max(options.maxBytes + slack, MIN_DISK_READ_BYTES);
  const isHinted = segment.readHint.offset === offset && segment.readHint.position === from;
  const isLed = from > 0 && !isHinted;
  /** The batch at `position` begins here at least. */
  let leastOffset = isHinted ? offset : segment.baseOffset;
  while (position < segment.size) {
    const bytes = readAt(segment, position, wanted, options);
    const run = findRun(segment, { bytes, position, leastOffset }, offset, options);
    // An index leads to a batch that does not lie behind the offset.
    if (isLed && position === from && batchBaseOffset(bytes, 0) > offset) throw damaged(segment, position);
    if (run.kind === 'grow') {
      // Nothing more to read, and still no whole batch: the file is shorter than the books, or a length lies.
      if (run.at === 0 && (bytes.length < wanted || bytes.length >= segment.size - position)) {
        throw damaged(segment, position);
      }
      position += run.at;
      leastOffset = run.leastOffset;
      wanted = Math.max(run.size, MIN_DISK_READ_BYTES);
      continue;
    }
    return soundPart(segment, position, bytes, run);
  }
  return undefined;
}

/** As much of the run as has sound CRCs; what was checked before is not checked again. */
function soundPart(segment: Segment, position: number, bytes: Buffer, { from, to, nextOffset }: WholeRun): ReadResult {
  if (to === from) return { buffers: NO_BUFFERS, bytes: 0, nextOffset, fromTail: false };
  if (position + from < segment.soundFrom || position + to > segment.soundTo) {
    const end = soundEnd(bytes, from, to);
    if (end === from) throw damaged(segment, position + from);
    segment.sound(position + from, position + end);
    if (end < to)
      return soundPart(segment, position, bytes, { from, to: end, nextOffset: batchBaseOffset(bytes, end) });
  }
  segment.readHint = { offset: nextOffset, position: position + to };
  return { buffers: [bytes.subarray(from, to)], bytes: to - from, nextOffset, fromTail: false };
}

/** Behind the last batch before the first one that is damaged. */
function soundEnd(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const size = batchSizeInBytes(bytes, at);
    if (!batchCrcValid(bytes.subarray(at, at + size), nativeCrc32c)) break;
    at += size;
  }
  return at;
}

const damaged = (segment: Segment, position: number, cause?: Error): LogError =>
  new LogError('corrupt-batch', `${segment.file.path} at ${position}`, { cause });

function readAt(segment: Segment, position: number, wanted: number, options: SegmentReadOptions): Buffer {
  const length = Math.min(wanted, segment.size - position);
  const bytes = options.forTurn === true ? options.memory.take(length) : Buffer.allocUnsafeSlow(length);
  const got = segment.file.read(bytes, 0, length, position);
  return got === length ? bytes : bytes.subarray(0, got);
}

interface WholeRun {
  readonly from: number;
  readonly to: number;
  readonly nextOffset: number;
}

type Run =
  | ({ readonly kind: 'run' } & WholeRun)
  /** The batch that is needed begins at `at` and has `size` bytes (if they are known), more than were read. */
  | { readonly kind: 'grow'; readonly at: number; readonly size: number; readonly leastOffset: number };

/** What was read of the file at `position`. */
interface Piece {
  readonly bytes: Buffer;
  readonly position: number;
  /** What lies before has ended here. */
  readonly leastOffset: number;
}

/** The whole batches of the piece that answer the read. */
function findRun(segment: Segment, piece: Piece, offset: number, options: ReadOptions): Run {
  try {
    return walkRun(segment, piece, offset, options);
  } catch (error) {
    if (error instanceof RecordBatchError) throw damaged(segment, piece.position, error);
    throw error;
  }
}

function walkRun(segment: Segment, { bytes, position, leastOffset }: Piece, offset: number, options: ReadOptions): Run {
  const maxOffset = options.maxOffset ?? Number.MAX_SAFE_INTEGER;
  let at = 0;
  let from = -1;
  let nextOffset = offset;
  let end = leastOffset;
  for (;;) {
    const size = sizeAt(bytes, at);
    if (size === undefined || at + size > bytes.length) {
      if (from >= 0 || tooLarge(bytes, at, size, offset, options)) break;
      return { kind: 'grow', at, size: size ?? 0, leastOffset: end };
    }
    const batchEnd = batchLastOffset(bytes, at) + 1;
    // Base offset and epoch are not part of the CRC; their order is what can be checked.
    if (batchBaseOffset(bytes, at) < end || batchEnd > segment.nextOffset) throw damaged(segment, position + at);
    end = batchEnd;
    if (batchEnd > offset) {
      if (batchEnd > maxOffset) break;
      const fits = at + size - (from < 0 ? at : from) <= options.maxBytes;
      if (!fits && !(options.minOneBatch === true && from < 0)) break;
      if (from < 0) from = at;
      nextOffset = batchEnd;
    }
    at += size;
  }
  return { kind: 'run', from: from < 0 ? at : from, to: at, nextOffset };
}

/** Whether it is clear before all of it was read that this batch is the answer and does not fit. */
function tooLarge(bytes: Buffer, at: number, size: number | undefined, offset: number, options: ReadOptions): boolean {
  if (options.minOneBatch === true || size === undefined || size <= options.maxBytes) return false;
  return bytes.length - at >= BATCH_HEADER_BYTES && batchLastOffset(bytes, at) >= offset;
}

/** Size of the batch at `at`, undefined if even that was not read; damage is an error. */
function sizeAt(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < 17) return undefined;
  return wholeBatchSize(bytes, at) ?? bytes.readInt32BE(at + 8) + 12;
}

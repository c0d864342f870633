/**
 * Reads all batches of a sealed segment, off the event loop and at a compaction's pace. Every CRC is checked: what is
 * damaged must not be given a new sum by being rewritten.
 */
import { nativeCrc32c } from '@meridian/protocol';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchCrcValid,
  batchSizeInBytes,
  peekBatchHeader,
  RecordBatchError,
  readBatchHeader,
} from '@meridian/protocol/record-batch';
import { LogError } from '../errors.ts';
import type { Segment } from '../segment.ts';
import { READ_CHUNK_BYTES } from './limits.ts';
import type { Pace } from './pace.ts';

export interface BatchVisitor {
  /** False ends the walk. The bytes are valid until `chunkDone`. */
  batch(bytes: Buffer, header: BatchHeader): boolean;
  /** The bytes read so far are about to be overwritten. */
  chunkDone?(): void;
  /** Whether to go on after a rest, in which anything may have happened. */
  goOn(): boolean;
}

export async function visitSegment(segment: Segment, pace: Pace, visitor: BatchVisitor): Promise<void> {
  let buffer = Buffer.allocUnsafeSlow(Math.min(READ_CHUNK_BYTES, Math.max(segment.size, BATCH_HEADER_BYTES)));
  for (let position = 0; position < segment.size; ) {
    const wanted = Math.min(buffer.length, segment.size - position);
    const got = await segment.file.readAsync(buffer, 0, wanted, position);
    if (!visitor.goOn()) return;
    const used = await visitChunk(segment, buffer.subarray(0, got), position, pace, visitor);
    visitor.chunkDone?.();
    if (used === undefined) return;
    position += used;
    if (used === 0) buffer = Buffer.allocUnsafeSlow(roomFor(segment, buffer.subarray(0, got), position));
  }
}

/** Bytes of the whole batches at the start of the chunk; undefined if the visitor has ended the walk. */
async function visitChunk(
  segment: Segment,
  chunk: Buffer,
  position: number,
  pace: Pace,
  visitor: BatchVisitor,
): Promise<number | undefined> {
  let at = 0;
  while (chunk.length - at >= BATCH_HEADER_BYTES) {
    const size = batchSizeInBytes(chunk, at);
    if (size > chunk.length - at) break;
    const bytes = chunk.subarray(at, at + Math.max(size, BATCH_HEADER_BYTES));
    if (!visitor.batch(bytes, soundHeader(segment, bytes, position + at))) return undefined;
    at += size;
    if (!pace.spend(size)) continue;
    await pace.rest();
    if (!visitor.goOn()) return undefined;
  }
  return at;
}

function soundHeader(segment: Segment, bytes: Buffer, position: number): BatchHeader {
  try {
    const header = readBatchHeader(bytes);
    if (batchCrcValid(bytes, nativeCrc32c)) return header;
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
  }
  throw new LogError('corrupt-batch', `${segment.file.path} at ${position}`);
}

/** Size of the batch that does not fit the chunk; one that the segment cannot have is damage. */
function roomFor(segment: Segment, chunk: Buffer, position: number): number {
  const rest = segment.size - position;
  const size = chunk.length < BATCH_HEADER_BYTES ? rest + 1 : peekBatchHeader(chunk).sizeInBytes;
  if (size > rest) throw new LogError('corrupt-batch', `${segment.file.path} at ${position}`);
  return size;
}

/**
 * Walks the batches of a log file from a position on, in large reads: with CRCs (recovery), or headers alone, jumping
 * over the records of large batches (rebuilding what is kept in memory). Memory stays at one chunk, or one batch.
 */
import type { DiskFile } from '@meridian/io';
import { nativeCrc32c } from '@meridian/protocol';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchCrcValid,
  peekBatchHeader,
  RecordBatchError,
} from '@meridian/protocol/record-batch';
import { HEADER_CHUNK_BYTES, VERIFY_CHUNK_BYTES } from './limits.ts';

export interface ScanResult {
  /** Behind the last good batch. */
  readonly end: number;
  /** Why the scan stopped before the end of the file. */
  readonly damage: string | undefined;
}

/** Takes a sound batch, or says why it is refused. `bytesOf` reads all of it; only until the next call. */
export type VisitBatch = (header: BatchHeader, position: number, bytesOf: () => Buffer) => string | undefined;

/** `visit` is given every good batch and may refuse it by returning why (offsets out of order): the scan ends there. */
export function scanBatches(
  file: DiskFile,
  range: { from: number; to: number },
  verifyCrc: boolean,
  visit: VisitBatch,
): ScanResult {
  const window = new FileWindow(file, range.to, verifyCrc ? VERIFY_CHUNK_BYTES : HEADER_CHUNK_BYTES);
  let position = range.from;
  while (position < range.to) {
    const damage = scanOne(window, position, range.to, verifyCrc, visit);
    if (typeof damage === 'string') return { end: position, damage };
    position = damage;
  }
  return { end: position, damage: undefined };
}

/** The position behind the batch at `position`, or what is wrong with it. */
function scanOne(
  window: FileWindow,
  position: number,
  to: number,
  verifyCrc: boolean,
  visit: VisitBatch,
): number | string {
  try {
    if (to - position < BATCH_HEADER_BYTES) return 'the file ends inside a header';
    const header = peekBatchHeader(window.at(position, BATCH_HEADER_BYTES));
    if (header.sizeInBytes > to - position) return 'the file ends inside a batch';
    if (verifyCrc && !batchCrcValid(window.at(position, header.sizeInBytes), nativeCrc32c)) return 'wrong CRC';
    const bytesOf = () => window.at(position, header.sizeInBytes);
    return visit(header, position, bytesOf) ?? position + header.sizeInBytes;
  } catch (error) {
    if (error instanceof RecordBatchError) return error.message;
    throw error;
  }
}

/** A buffer that moves over the file; asked for bytes that it has, it reads nothing. */
class FileWindow {
  private readonly file: DiskFile;
  private readonly to: number;
  private buffer: Buffer;
  private start = 0;
  private length = 0;
  constructor(file: DiskFile, to: number, chunkBytes: number) {
    this.file = file;
    this.to = to;
    this.buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(to, BATCH_HEADER_BYTES)));
  }

  /** `length` bytes at `position`; the caller has checked that the file has them. */
  at(position: number, length: number): Buffer {
    if (position < this.start || position + length > this.start + this.length) this.fill(position, length);
    return this.buffer.subarray(position - this.start, position - this.start + length);
  }

  private fill(position: number, length: number): void {
    if (length > this.buffer.length) this.buffer = Buffer.allocUnsafe(length);
    const wanted = Math.min(this.buffer.length, this.to - position);
    this.start = position;
    this.length = this.file.read(this.buffer, 0, wanted, position);
    if (this.length < length) throw new RecordBatchError('truncated', `${this.file.path} at ${position}`);
  }
}

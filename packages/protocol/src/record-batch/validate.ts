/**
 * The structural walk over every record that a client listener does before a batch enters the log, as Apache Kafka
 * does. No object per record. Invariant: a batch that passes can be read to its end by anybody, and its records are
 * as many, and where, as the header says.
 */
import { RecordBatchError } from './errors.ts';
import { type BatchHeader, readBatchHeader } from './header.ts';
import { openPayload, type PayloadOptions } from './payload.ts';
import type { Cursor } from './varint.ts';

export interface ValidateOptions extends PayloadOptions {
  /** Records must lie at offset deltas 0, 1, 2 … up to the last (what a producer sends); else only ascending. */
  readonly dense?: boolean | undefined;
}

export interface RecordsSummary {
  readonly header: BatchHeader;
  /** Smallest and largest timestamp of the records themselves; −1 for a batch without records. */
  readonly minTimestamp: number;
  readonly maxTimestamp: number;
  /** Offset delta of the first record that bears `maxTimestamp`. */
  readonly maxTimestampDelta: number;
  /** Records without a key: a compacted topic takes none. */
  readonly keylessRecords: number;
  /** Size of the records, decompressed. */
  readonly plainBytes: number;
}

/** Walks all records of the one batch at the start of `bytes`; throws `RecordBatchError` on the first contradiction. */
export function validateRecords(bytes: Uint8Array, options: ValidateOptions = {}): RecordsSummary {
  const header = readBatchHeader(bytes);
  const dense = options.dense === true;
  if (dense && header.recordCount !== header.lastOffsetDelta + 1) {
    throw new RecordBatchError(
      'corrupt-batch',
      `${header.recordCount} records in ${header.lastOffsetDelta + 1} offsets`,
    );
  }
  const cursor = openPayload(bytes, header, options);
  const plainBytes = cursor.end - cursor.at;
  const walk = new RecordWalk(cursor, dense);
  for (let index = 0; index < header.recordCount; index++) walk.next();
  if (cursor.at !== cursor.end || walk.offsetDelta > header.lastOffsetDelta) {
    throw new RecordBatchError('corrupt-record', 'records do not end where the batch does');
  }
  const empty = header.recordCount === 0;
  return {
    header,
    minTimestamp: empty ? -1 : header.baseTimestamp + walk.minDelta,
    maxTimestamp: empty ? -1 : header.baseTimestamp + walk.maxDelta,
    maxTimestampDelta: walk.maxDeltaAt,
    keylessRecords: walk.keyless,
    plainBytes,
  };
}

/** Where the walk stands, and what it has gathered. */
class RecordWalk {
  private readonly cursor: Cursor;
  private readonly dense: boolean;
  offsetDelta = -1;
  minDelta = Number.POSITIVE_INFINITY;
  maxDelta = Number.NEGATIVE_INFINITY;
  maxDeltaAt = 0;
  keyless = 0;
  constructor(cursor: Cursor, dense: boolean) {
    this.cursor = cursor;
    this.dense = dense;
  }

  next(): void {
    const cursor = this.cursor;
    const length = cursor.int32();
    const from = cursor.skip(length);
    cursor.at = from;
    cursor.byte(); // attributes: none are defined
    const timestampDelta = cursor.int64();
    this.advance(cursor.int32());
    this.noteTimestamp(timestampDelta);
    if (skipBytes(cursor) === -1) this.keyless++;
    skipBytes(cursor);
    skipHeaders(cursor);
    if (cursor.at !== from + length) throw new RecordBatchError('corrupt-record', `record of ${length} bytes`);
  }

  private advance(offsetDelta: number): void {
    const least = this.offsetDelta + 1;
    if (offsetDelta < least || (this.dense && offsetDelta !== least)) {
      throw new RecordBatchError('corrupt-record', `offset delta ${offsetDelta} after ${this.offsetDelta}`);
    }
    this.offsetDelta = offsetDelta;
  }

  private noteTimestamp(delta: number): void {
    if (delta < this.minDelta) this.minDelta = delta;
    if (delta > this.maxDelta) {
      this.maxDelta = delta;
      this.maxDeltaAt = this.offsetDelta;
    }
  }
}

function skipBytes(cursor: Cursor): number {
  const length = cursor.int32();
  if (length !== -1) cursor.skip(length);
  return length;
}

function skipHeaders(cursor: Cursor): void {
  const count = cursor.int32();
  if (count < 0) throw new RecordBatchError('corrupt-record', `${count} headers`);
  for (let index = 0; index < count; index++) {
    if (skipBytes(cursor) === -1) throw new RecordBatchError('corrupt-record', 'a header without a key');
    skipBytes(cursor);
  }
}

/**
 * Reads the records of a batch one by one, for those who asked for records: JSON clients, the console, compaction.
 * Keys and values are views into the batch (or into what was decompressed). Invariant: as many records as the header
 * counts, filling the payload exactly; anything else is an error.
 */
import { RecordBatchError } from './errors.ts';
import { type BatchHeader, readBatchHeader } from './header.ts';
import { MAX_RECORD_HEADERS, MIN_RECORD_HEADER_BYTES } from './limits.ts';
import { openPayload, type PayloadOptions } from './payload.ts';
import type { Cursor } from './varint.ts';

export interface RecHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface Rec {
  readonly offset: number;
  /** Milliseconds since the epoch; the batch's append time where the topic says so. */
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecHeader[];
}

const NO_HEADERS: readonly RecHeader[] = Object.freeze([]);
const UTF8 = new TextDecoder();

/** Yields the records of the one batch at the start of `bytes`. */
export function* readRecords(bytes: Uint8Array, options: PayloadOptions = {}): Generator<Rec, void, undefined> {
  const header = readBatchHeader(bytes);
  const cursor = openPayload(bytes, header, options);
  for (let index = 0; index < header.recordCount; index++) yield readRecord(cursor, header);
  if (cursor.at !== cursor.end) {
    throw new RecordBatchError('corrupt-record', `${cursor.end - cursor.at} bytes behind the last record`);
  }
}

function readRecord(cursor: Cursor, header: BatchHeader): Rec {
  const length = cursor.int32();
  const from = cursor.skip(length);
  cursor.at = from;
  cursor.byte(); // attributes: none are defined
  const timestampDelta = cursor.int64();
  const offsetDelta = cursor.int32();
  if (offsetDelta < 0 || offsetDelta > header.lastOffsetDelta) {
    throw new RecordBatchError('corrupt-record', `offset delta ${offsetDelta}`);
  }
  const key = readBytes(cursor);
  const value = readBytes(cursor);
  const headers = readHeaders(cursor);
  if (cursor.at !== from + length) throw new RecordBatchError('corrupt-record', `record of ${length} bytes`);
  return {
    offset: header.baseOffset + offsetDelta,
    timestamp: header.hasLogAppendTime ? header.maxTimestamp : header.baseTimestamp + timestampDelta,
    key,
    value,
    headers,
  };
}

function readBytes(cursor: Cursor): Uint8Array | null {
  const length = cursor.int32();
  if (length === -1) return null;
  const from = cursor.skip(length);
  return cursor.bytes.subarray(from, from + length);
}

function readHeaders(cursor: Cursor): readonly RecHeader[] {
  const count = cursor.int32();
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count * MIN_RECORD_HEADER_BYTES > cursor.end - cursor.at) {
    throw new RecordBatchError('corrupt-record', `${count} headers`);
  }
  if (count > MAX_RECORD_HEADERS) throw new RecordBatchError('too-large', `a record with ${count} headers`);
  const headers: RecHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readBytes(cursor);
    if (key === null) throw new RecordBatchError('corrupt-record', 'a header without a key');
    headers.push({ key: UTF8.decode(key), value: readBytes(cursor) });
  }
  return headers;
}

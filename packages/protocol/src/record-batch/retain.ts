/**
 * Takes records out of a batch, as compaction does: what stays keeps its bytes, offsets, producer and codec, and the batch
 * goes on covering the offsets that it covered. A delete horizon (KIP-534) is kept where Kafka keeps it: an attribute bit
 * says that the base timestamp is the time from which tombstones and markers in the batch may go.
 * Invariant: a record that stays is the same to a reader; only the deltas that the new base timestamp asks for change.
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { RecordBatchError } from './errors.ts';
import { ATTRIBUTE, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, type BatchHeader, type Codec, FIELD } from './header.ts';
import { openPayload, type PayloadOptions } from './payload.ts';
import { type Crc32c, stampCrc } from './stamps.ts';
import { Cursor, varintBytes, writeVarint } from './varint.ts';

/** Whether a record stays; `key` is a view that is valid during the call. */
export type KeepRecord = (offset: number, key: Uint8Array | null, hasValue: boolean) => boolean;

/** The records of one batch that stay. */
export interface RetainedRecords {
  readonly recordCount: number;
  readonly hasTombstones: boolean;
  readonly maxTimestamp: number;
  /** The batch's records, unpacked. */
  readonly plain: Uint8Array;
  /** From where to where in `plain` each record that stays lies: two numbers a record. */
  readonly spans: readonly number[];
}

export interface RewriteOptions {
  /** Sets the horizon; without it, the one that the batch has stays. */
  readonly deleteHorizonMs?: number | undefined;
  readonly compress: (codec: Codec, bytes: Uint8Array) => Uint8Array;
  readonly crc: Crc32c;
}

/** When tombstones and markers in the batch may go; undefined while no cleaner has seen them. */
export function deleteHorizonMs(header: BatchHeader): number | undefined {
  return (header.attributes & ATTRIBUTE.deleteHorizon) === 0 ? undefined : header.baseTimestamp;
}

/** Asks `keep` about every record of the batch at the start of `bytes`. */
export function retainRecords(
  bytes: Uint8Array,
  header: BatchHeader,
  keep: KeepRecord,
  options: PayloadOptions,
): RetainedRecords {
  const cursor = openPayload(bytes, header, options);
  const spans: number[] = [];
  let hasTombstones = false;
  let maxTimestamp = header.hasLogAppendTime ? header.maxTimestamp : -1;
  for (let index = 0; index < header.recordCount; index++) {
    const from = cursor.at;
    const length = cursor.int32();
    const end = cursor.skip(length) + length;
    cursor.at = end - length;
    cursor.byte(); // attributes: none are defined
    const timestamp = header.baseTimestamp + cursor.int64();
    const offset = header.baseOffset + offsetDelta(cursor, header);
    const key = readKey(cursor);
    const hasValue = cursor.int32() >= 0;
    if (cursor.at > end) throw new RecordBatchError('corrupt-record', `record of ${length} bytes`);
    cursor.at = end;
    if (!keep(offset, key, hasValue)) continue;
    spans.push(from, end);
    if (!hasValue) hasTombstones = true;
    if (!header.hasLogAppendTime && timestamp > maxTimestamp) maxTimestamp = timestamp;
  }
  if (cursor.at !== cursor.end) throw new RecordBatchError('corrupt-record', 'bytes behind the last record');
  return { recordCount: spans.length / 2, hasTombstones, maxTimestamp, plain: cursor.bytes, spans };
}

/** The batch with the records that stay, at least one. */
export function rewriteBatch(
  bytes: Uint8Array,
  header: BatchHeader,
  retained: RetainedRecords,
  options: RewriteOptions,
): Uint8Array {
  const horizonMs = options.deleteHorizonMs;
  const shift = horizonMs === undefined ? 0 : header.baseTimestamp - horizonMs;
  const payload = shift === 0 ? joinSpans(retained) : joinShifted(retained, shift);
  const packed = header.codec === 'none' ? payload : options.compress(header.codec, payload);
  const batch = headerOf(bytes, packed.length);
  batch.set(packed, BATCH_HEADER_BYTES);
  if (horizonMs !== undefined) {
    writeInt16(batch, FIELD.attributes, header.attributes | ATTRIBUTE.deleteHorizon);
    writeInt64(batch, FIELD.baseTimestamp, horizonMs);
  }
  writeInt64(batch, FIELD.maxTimestamp, retained.maxTimestamp);
  writeInt32(batch, FIELD.recordCount, retained.recordCount);
  stampCrc(batch, 0, options.crc);
  return batch;
}

/** The batch without any record: it goes on telling its producer's epoch and sequences. */
export function emptiedBatch(bytes: Uint8Array, header: BatchHeader, crc: Crc32c): Uint8Array {
  const batch = headerOf(bytes, 0);
  writeInt16(batch, FIELD.attributes, header.attributes & ~(ATTRIBUTE.codec | ATTRIBUTE.deleteHorizon));
  writeInt64(batch, FIELD.baseTimestamp, header.maxTimestamp);
  writeInt32(batch, FIELD.recordCount, 0);
  stampCrc(batch, 0, crc);
  return batch;
}

/** The header's bytes with room for a payload. */
function headerOf(bytes: Uint8Array, payloadBytes: number): Uint8Array {
  const batch = new Uint8Array(BATCH_HEADER_BYTES + payloadBytes);
  batch.set(bytes.subarray(0, BATCH_HEADER_BYTES));
  writeInt32(batch, FIELD.batchLength, batch.length - BATCH_OVERHEAD_BYTES);
  return batch;
}

function offsetDelta(cursor: Cursor, header: BatchHeader): number {
  const delta = cursor.int32();
  if (delta < 0 || delta > header.lastOffsetDelta)
    throw new RecordBatchError('corrupt-record', `offset delta ${delta}`);
  return delta;
}

function readKey(cursor: Cursor): Uint8Array | null {
  const length = cursor.int32();
  if (length === -1) return null;
  const from = cursor.skip(length);
  return cursor.bytes.subarray(from, from + length);
}

function joinSpans({ plain, spans }: RetainedRecords): Uint8Array {
  let size = 0;
  for (let index = 0; index < spans.length; index += 2) size += spans[index + 1]! - spans[index]!;
  const joined = new Uint8Array(size);
  let at = 0;
  for (let index = 0; index < spans.length; index += 2) {
    joined.set(plain.subarray(spans[index]!, spans[index + 1]!), at);
    at += spans[index + 1]! - spans[index]!;
  }
  return joined;
}

/** The same, with `shift` added to every timestamp delta. */
function joinShifted({ plain, spans }: RetainedRecords, shift: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let index = 0; index < spans.length; index += 2) {
    const part = shiftRecord(plain, spans[index]!, spans[index + 1]!, shift);
    parts.push(part);
    size += part.length;
  }
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function shiftRecord(plain: Uint8Array, from: number, end: number, shift: number): Uint8Array {
  const cursor = new Cursor(plain, from, end);
  cursor.int32();
  const attributes = cursor.byte();
  const delta = cursor.int64() + shift;
  const rest = plain.subarray(cursor.at, end);
  const length = 1 + varintBytes(delta) + rest.length;
  const record = new Uint8Array(varintBytes(length) + length);
  let at = writeVarint(record, 0, length);
  record[at++] = attributes;
  at = writeVarint(record, at, delta);
  record.set(rest, at);
  return record;
}

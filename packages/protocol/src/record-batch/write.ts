/**
 * Writes record batches: what the SDK and the gateway publish, control batches, and the empty batches that advance a
 * log's end. Sizes are computed first, so a batch is one allocation (two when compressed).
 */
import { writeInt16, writeInt32, writeInt64 } from './bytes.ts';
import { crc32c } from './crc32c.ts';
import { RecordBatchError } from './errors.ts';
import { ATTRIBUTE, BATCH_HEADER_BYTES, BATCH_OVERHEAD_BYTES, CODECS, type Codec, FIELD } from './header.ts';
import { MAX_OFFSET_DELTA } from './limits.ts';
import { type Crc32c, stampCrc } from './stamps.ts';
import { varintBytes, writeVarint } from './varint.ts';

export interface NewRecord {
  readonly timestamp: number;
  readonly key?: Uint8Array | null | undefined;
  readonly value?: Uint8Array | null | undefined;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[] | undefined;
  /** Distance from `baseOffset`; one after another unless said otherwise (a compacted batch). */
  readonly offsetDelta?: number | undefined;
}

export interface BatchOptions {
  readonly baseOffset?: number | undefined;
  readonly leaderEpoch?: number | undefined;
  readonly producerId?: number | undefined;
  readonly producerEpoch?: number | undefined;
  readonly baseSequence?: number | undefined;
  readonly transactional?: boolean | undefined;
  readonly control?: boolean | undefined;
  readonly crc?: Crc32c | undefined;
}

export interface WriteBatchOptions extends BatchOptions {
  /** At least one. */
  readonly records: readonly NewRecord[];
  readonly codec?: Codec | undefined;
  /** Needed for every codec but `none`. */
  readonly compress?: ((codec: Codec, bytes: Uint8Array) => Uint8Array) | undefined;
  /** Offset delta that the batch covers, when that is more than the last record's. */
  readonly lastOffsetDelta?: number | undefined;
}

const UTF8 = new TextEncoder();
type EncodedHeader = { readonly key: Uint8Array; readonly value: Uint8Array | null };

/** Encodes the records as one batch. */
export function writeBatch(options: WriteBatchOptions): Uint8Array {
  const records = options.records;
  if (records.length === 0) throw new RecordBatchError('corrupt-batch', 'no records: write an empty batch instead');
  const codec = options.codec ?? 'none';
  const plain = writeRecords(records, codec === 'none' ? BATCH_HEADER_BYTES : 0);
  const bytes = codec === 'none' ? plain : compressed(codec, plain, options);
  let maxTimestamp = records[0]!.timestamp;
  for (const record of records) if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
  const lastOffsetDelta = options.lastOffsetDelta ?? records.at(-1)!.offsetDelta ?? records.length - 1;
  writeHeader(bytes, options, CODECS.indexOf(codec), {
    lastOffsetDelta,
    baseTimestamp: records[0]!.timestamp,
    maxTimestamp,
    recordCount: records.length,
  });
  return bytes;
}

/** A batch without records that covers the offsets `baseOffset` to `lastOffset`, as compaction leaves one. */
export function emptyBatch(
  options: BatchOptions & { readonly baseOffset: number; readonly lastOffset: number; readonly timestamp?: number },
): Uint8Array {
  const lastOffsetDelta = options.lastOffset - options.baseOffset;
  if (lastOffsetDelta < 0 || lastOffsetDelta > MAX_OFFSET_DELTA) {
    throw new RecordBatchError('corrupt-batch', `an empty batch over ${lastOffsetDelta + 1} offsets`);
  }
  const bytes = new Uint8Array(BATCH_HEADER_BYTES);
  const timestamp = options.timestamp ?? -1;
  writeHeader(bytes, options, 0, {
    lastOffsetDelta,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    recordCount: 0,
  });
  return bytes;
}

function compressed(codec: Codec, plain: Uint8Array, options: WriteBatchOptions): Uint8Array {
  if (options.compress === undefined) throw new RecordBatchError('unsupported-codec', codec);
  const packed = options.compress(codec, plain);
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + packed.length);
  bytes.set(packed, BATCH_HEADER_BYTES);
  return bytes;
}

interface Counts {
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly recordCount: number;
}

function writeHeader(bytes: Uint8Array, options: BatchOptions, codecId: number, counts: Counts): void {
  const attributes =
    codecId | (options.transactional ? ATTRIBUTE.transactional : 0) | (options.control ? ATTRIBUTE.control : 0);
  writeInt64(bytes, FIELD.baseOffset, options.baseOffset ?? 0);
  writeInt32(bytes, FIELD.batchLength, bytes.length - BATCH_OVERHEAD_BYTES);
  writeInt32(bytes, FIELD.partitionLeaderEpoch, options.leaderEpoch ?? -1);
  bytes[FIELD.magic] = 2;
  writeInt16(bytes, FIELD.attributes, attributes);
  writeInt32(bytes, FIELD.lastOffsetDelta, counts.lastOffsetDelta);
  writeInt64(bytes, FIELD.baseTimestamp, counts.baseTimestamp);
  writeInt64(bytes, FIELD.maxTimestamp, counts.maxTimestamp);
  writeInt64(bytes, FIELD.producerId, options.producerId ?? -1);
  writeInt16(bytes, FIELD.producerEpoch, options.producerEpoch ?? -1);
  writeInt32(bytes, FIELD.baseSequence, options.baseSequence ?? -1);
  writeInt32(bytes, FIELD.recordCount, counts.recordCount);
  stampCrc(bytes, 0, options.crc ?? crc32c);
}

/** The records one behind another, with `reserve` free bytes before them. */
function writeRecords(records: readonly NewRecord[], reserve: number): Uint8Array {
  const baseTimestamp = records[0]!.timestamp;
  const headers = records.map((record) => record.headers?.map(encodeHeader) ?? []);
  const sizes = records.map((record, index) => bodySize(record, headers[index]!, index, baseTimestamp));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + varintBytes(size) + size, reserve));
  let at = reserve;
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!;
    at = writeVarint(bytes, at, sizes[index]!);
    bytes[at++] = 0;
    at = writeVarint(bytes, at, record.timestamp - baseTimestamp);
    at = writeVarint(bytes, at, record.offsetDelta ?? index);
    at = writeBytes(bytes, at, record.key ?? null);
    at = writeBytes(bytes, at, record.value ?? null);
    at = writeVarint(bytes, at, headers[index]!.length);
    for (const header of headers[index]!) at = writeBytes(bytes, writeBytes(bytes, at, header.key), header.value);
  }
  return bytes;
}

function encodeHeader(header: { key: string; value: Uint8Array | null }): EncodedHeader {
  return { key: UTF8.encode(header.key), value: header.value };
}

function bodySize(record: NewRecord, headers: readonly EncodedHeader[], index: number, baseTimestamp: number): number {
  let size = 1 + varintBytes(record.timestamp - baseTimestamp) + varintBytes(record.offsetDelta ?? index);
  size += bytesSize(record.key ?? null) + bytesSize(record.value ?? null) + varintBytes(headers.length);
  for (const header of headers) size += bytesSize(header.key) + bytesSize(header.value);
  return size;
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;
}

function writeBytes(target: Uint8Array, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return writeVarint(target, at, -1);
  const from = writeVarint(target, at, bytes.length);
  target.set(bytes, from);
  return from + bytes.length;
}

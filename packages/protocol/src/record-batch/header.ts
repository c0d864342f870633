/**
 * The 61-byte header of a record batch v2 (Kafka's message format, KIP-98): a checked view of all of it, and
 * single-field readers for paths that need one number. Invariant: what `readBatchHeader` returns does not contradict
 * itself, and the whole batch lies inside the bytes given.
 */
import { readInt16, readInt32, readInt64, readUint32 } from './bytes.ts';
import { RecordBatchError } from './errors.ts';
import { MIN_RECORD_BYTES } from './limits.ts';

/** Byte positions, from the start of the batch. */
export const FIELD = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

export const BATCH_HEADER_BYTES = 61;
/** Base offset and batch length: what `batchLength` does not count. */
export const BATCH_OVERHEAD_BYTES = 12;
export const NO_PRODUCER_ID = -1;
export const NO_TIMESTAMP = -1;

export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
/** In the order of their ids in `attributes`. */
export const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** Bits of `attributes`; the lowest three are the codec. */
export const ATTRIBUTE = { codec: 0x07, logAppendTime: 0x08, transactional: 0x10, control: 0x20, deleteHorizon: 0x40 };

export interface BatchHeader {
  readonly baseOffset: number;
  readonly batchLength: number;
  readonly partitionLeaderEpoch: number;
  readonly magic: number;
  /** As stored; `batchCrcValid` compares it. */
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  /** All of the batch with its header. */
  readonly sizeInBytes: number;
  readonly lastOffset: number;
  readonly nextOffset: number;
  readonly codec: Codec;
  readonly isControl: boolean;
  readonly isTransactional: boolean;
  readonly hasLogAppendTime: boolean;
}

export const batchBaseOffset = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at);
export const batchSizeInBytes = (bytes: Uint8Array, at = 0): number =>
  readInt32(bytes, at + FIELD.batchLength) + BATCH_OVERHEAD_BYTES;
export const batchLeaderEpoch = (bytes: Uint8Array, at = 0): number =>
  readInt32(bytes, at + FIELD.partitionLeaderEpoch);
export const batchMagic = (bytes: Uint8Array, at = 0): number => (bytes[at + FIELD.magic]! << 24) >> 24;
export const batchCrc = (bytes: Uint8Array, at = 0): number => readUint32(bytes, at + FIELD.crc);
export const batchAttributes = (bytes: Uint8Array, at = 0): number => readInt16(bytes, at + FIELD.attributes);
export const batchLastOffset = (bytes: Uint8Array, at = 0): number =>
  readInt64(bytes, at) + readInt32(bytes, at + FIELD.lastOffsetDelta);
export const batchMaxTimestamp = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at + FIELD.maxTimestamp);
export const batchProducerId = (bytes: Uint8Array, at = 0): number => readInt64(bytes, at + FIELD.producerId);
export const batchRecordCount = (bytes: Uint8Array, at = 0): number => readInt32(bytes, at + FIELD.recordCount);

/** The codec that `attributes` name, or a typed error. */
export function codecOf(attributes: number): Codec {
  const codec = CODECS[attributes & ATTRIBUTE.codec];
  if (codec === undefined) throw new RecordBatchError('unsupported-codec', `codec ${attributes & ATTRIBUTE.codec}`);
  return codec;
}

/**
 * Size of the batch that begins at `at`, if its length is sane and all of it is there; undefined if the bytes end
 * before it does. Only the length and the magic are looked at.
 */
export function wholeBatchSize(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length - at < FIELD.crc) return undefined;
  const magic = batchMagic(bytes, at);
  if (magic !== 2) throw new RecordBatchError('unsupported-magic', `magic ${magic}`);
  const size = batchSizeInBytes(bytes, at);
  if (size < BATCH_HEADER_BYTES) throw new RecordBatchError('corrupt-batch', `batch of ${size} bytes`);
  return size <= bytes.length - at ? size : undefined;
}

/** Reads and checks the header of the batch that begins at `at` and lies in `bytes` as a whole. */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  const sizeInBytes = wholeBatchSize(bytes, at);
  if (sizeInBytes === undefined) throw new RecordBatchError('truncated', `batch at byte ${at} of ${bytes.length}`);
  return readHeaderFields(bytes, at, sizeInBytes);
}

/** The same for a header alone, when the records were not read with it; needs 61 bytes. */
export function peekBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  if (bytes.length - at < BATCH_HEADER_BYTES) throw new RecordBatchError('truncated', `header at byte ${at}`);
  const magic = batchMagic(bytes, at);
  if (magic !== 2) throw new RecordBatchError('unsupported-magic', `magic ${magic}`);
  const size = batchSizeInBytes(bytes, at);
  if (size < BATCH_HEADER_BYTES) throw new RecordBatchError('corrupt-batch', `batch of ${size} bytes`);
  return readHeaderFields(bytes, at, size);
}

function readHeaderFields(bytes: Uint8Array, at: number, sizeInBytes: number): BatchHeader {
  const attributes = batchAttributes(bytes, at);
  const codec = codecOf(attributes);
  const baseOffset = batchBaseOffset(bytes, at);
  const lastOffsetDelta = readInt32(bytes, at + FIELD.lastOffsetDelta);
  const recordCount = batchRecordCount(bytes, at);
  checkCounts(codec, sizeInBytes, lastOffsetDelta, recordCount);
  const lastOffset = baseOffset + lastOffsetDelta;
  if (lastOffset >= Number.MAX_SAFE_INTEGER) throw new RecordBatchError('unsafe-integer', 'last offset');
  return {
    baseOffset,
    batchLength: sizeInBytes - BATCH_OVERHEAD_BYTES,
    partitionLeaderEpoch: batchLeaderEpoch(bytes, at),
    magic: 2,
    crc: batchCrc(bytes, at),
    attributes,
    lastOffsetDelta,
    baseTimestamp: readInt64(bytes, at + FIELD.baseTimestamp),
    maxTimestamp: batchMaxTimestamp(bytes, at),
    producerId: batchProducerId(bytes, at),
    producerEpoch: readInt16(bytes, at + FIELD.producerEpoch),
    baseSequence: readInt32(bytes, at + FIELD.baseSequence),
    recordCount,
    sizeInBytes,
    lastOffset,
    nextOffset: lastOffset + 1,
    codec,
    isControl: (attributes & ATTRIBUTE.control) !== 0,
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
    hasLogAppendTime: (attributes & ATTRIBUTE.logAppendTime) !== 0,
  };
}

/** Fewer records than offsets is what compaction leaves; more records than offsets, or than bytes, is a lie. */
function checkCounts(codec: Codec, sizeInBytes: number, lastOffsetDelta: number, recordCount: number): void {
  if (lastOffsetDelta < 0) throw new RecordBatchError('corrupt-batch', `last offset delta ${lastOffsetDelta}`);
  if (recordCount < 0 || recordCount > lastOffsetDelta + 1) {
    throw new RecordBatchError('corrupt-batch', `${recordCount} records in ${lastOffsetDelta + 1} offsets`);
  }
  const payloadBytes = sizeInBytes - BATCH_HEADER_BYTES;
  if (codec === 'none' && recordCount * MIN_RECORD_BYTES > payloadBytes) {
    throw new RecordBatchError('corrupt-batch', `${recordCount} records in ${payloadBytes} bytes`);
  }
}

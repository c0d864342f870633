/**
 * What a batch must be before it enters the log, in the order in which Apache Kafka looks (UnifiedLog, LogValidator): form,
 * size, checksum, header, then every record (`record-checks.ts`). Called by the partition for client appends and for the
 * mirror's. Invariant: a batch that passes `full` can be decoded to its end by any consumer, and has the topic's codec.
 */
import { decompress, ERROR, nativeCrc32c } from '@meridian/protocol';
import {
  ATTRIBUTE,
  BATCH_FIELD,
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  type BatchHeader,
  batchAttributes,
  batchBaseOffset,
  batchCrcValid,
  batchMagic,
  batchSizeInBytes,
  CODECS,
  MIN_RECORD_BYTES,
  RecordBatchError,
  type RecordsSummary,
  readBatchHeader,
  recodeBatch,
  stampCreateTime,
  stampLogAppendTime,
  stampMaxTimestamp,
  validateRecords,
} from '@meridian/protocol/record-batch';
import type { TopicSettings } from '../topic-settings.ts';
import { ProduceRefusal } from './produce-refusal.ts';
import { checkRecords, refuseAllTimestamps, refuseTimestampType } from './record-checks.ts';

/** `full` walks the records (client listener), `header` trusts them (internal listener). */
export type Validation = 'full' | 'header';

/** Plain bytes that the batches of one request may still unpack to; what is unpacked is taken off. */
export interface UnpackBudget {
  left: number;
  /** Records that may still be walked over: each takes its time, however small it is. */
  recordsLeft: number;
}

export interface CheckOptions {
  readonly validation: Validation;
  readonly nowMs: number;
  readonly maxDecompressedBytes: number;
  readonly budget: UnpackBudget;
  /** Whom refusals name. */
  readonly partition: { readonly topic: string; readonly index: number };
}

export interface CheckedBatch {
  /** What was given, stamped; or another, in the topic's codec. */
  readonly batch: Buffer;
  readonly header: BatchHeader;
}

/** The least length that any format has, as Kafka counts. */
const MIN_BATCH_LENGTH = 14;
const HEADER_BYTES_UP_TO_MAGIC = BATCH_FIELD.magic + 1;
const ZSTD = CODECS.indexOf('zstd');
const ZSTD_SINCE = 7;

/** Cuts the one batch that a produce may hold; throws `ProduceRefusal`. Comes before all that the topic has a say in. */
export function onlyBatch(records: Buffer | undefined, produceVersion: number): Buffer {
  const size = records === undefined ? undefined : batchSizeAt(records, 0);
  if (records === undefined || size === undefined) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'A produce request must have at least one record batch.');
  }
  if (produceVersion < ZSTD_SINCE && (batchAttributes(records, 0) & ATTRIBUTE.codec) === ZSTD) {
    throw new ProduceRefusal(ERROR.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce v7 or newer.');
  }
  if (size < records.length && batchSizeAt(records, size) !== undefined) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'A produce request must have exactly one record batch.');
  }
  return size === records.length ? records : records.subarray(0, size);
}

/** Size of the whole batch at `at`; undefined where the bytes end too early. Throws `ProduceRefusal` on nonsense. */
export function batchSizeAt(bytes: Buffer, at: number): number | undefined {
  const rest = bytes.length - at;
  if (rest < BATCH_OVERHEAD_BYTES) return undefined;
  const size = batchSizeInBytes(bytes, at);
  if (size - BATCH_OVERHEAD_BYTES < MIN_BATCH_LENGTH) {
    throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, `A batch cannot have ${size} bytes.`);
  }
  if (rest < HEADER_BYTES_UP_TO_MAGIC) return undefined;
  const magic = batchMagic(bytes, at);
  if (magic === 0 || magic === 1) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'Only record batches with magic version 2 are accepted.');
  }
  if (magic !== 2 || size < BATCH_HEADER_BYTES) {
    throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, 'The batch has an unknown format or an impossible length.');
  }
  return size <= rest ? size : undefined;
}

/** Checks a client's batch, and makes of it what the topic wants: its timestamp type, its codec. */
export function checkClientBatch(batch: Buffer, settings: TopicSettings, options: CheckOptions): CheckedBatch {
  try {
    if (batchBaseOffset(batch) !== 0) {
      throw new ProduceRefusal(ERROR.INVALID_RECORD, 'The batch does not begin at offset 0.');
    }
    checkSize(batch.length, settings);
    checkSum(batch);
    const header = readClientHeader(batch, settings, options);
    checkClientHeader(header);
    const checked = checkAndConvert(batch, header, settings, options);
    if (checked.batch.length > settings.segmentBytes) {
      throw new ProduceRefusal(ERROR.RECORD_LIST_TOO_LARGE, 'The batch is larger than a segment of the topic.');
    }
    return checked;
  } catch (error) {
    throw asRefusal(error);
  }
}

/** Checks one batch of the mirror's: it was validated where it was born, so form, sum and header must do. */
export function checkMirroredBatch(batch: Buffer): BatchHeader {
  checkSum(batch);
  try {
    return readBatchHeader(batch);
  } catch (error) {
    throw asRefusal(error);
  }
}

function checkSize(batchBytes: number, { maxMessageBytes }: TopicSettings): void {
  if (batchBytes <= maxMessageBytes) return;
  const message = `The batch has ${batchBytes} bytes, the topic takes at most ${maxMessageBytes}.`;
  throw new ProduceRefusal(ERROR.MESSAGE_TOO_LARGE, message);
}

function checkSum(batch: Buffer): void {
  if (!batchCrcValid(batch, nativeCrc32c)) throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, 'The checksum is wrong.');
}

/**
 * The header as the broker believes it. A producer's largest timestamp is found anew from its records, so it may be any
 * number; its timestamp type counts for nothing, but where a topic has LogAppendTime nobody else may say so.
 */
function readClientHeader(batch: Buffer, settings: TopicSettings, options: CheckOptions): BatchHeader {
  let header: BatchHeader;
  try {
    header = readBatchHeader(batch);
  } catch (error) {
    if (!(error instanceof RecordBatchError) || error.code !== 'unsafe-integer') throw error;
    if (isUnsafe(batch, BATCH_FIELD.baseTimestamp)) throw refuseAllTimestamps(batch, settings, options.nowMs);
    if (!isUnsafe(batch, BATCH_FIELD.maxTimestamp)) throw error;
    stampMaxTimestamp(batch, 0, -1, nativeCrc32c);
    return readClientHeader(batch, settings, options);
  }
  if (!header.hasLogAppendTime) return header;
  if (settings.logAppendTime) throw refuseTimestampType(header);
  stampCreateTime(batch, 0, nativeCrc32c);
  return readBatchHeader(batch);
}

const isUnsafe = (batch: Buffer, at: number): boolean => !Number.isSafeInteger(Number(batch.readBigInt64BE(at)));

function checkClientHeader(header: BatchHeader): void {
  const refuse = (errorCode: number, message: string): never => {
    throw new ProduceRefusal(errorCode, message);
  };
  if (header.recordCount === 0 || header.recordCount !== header.lastOffsetDelta + 1) {
    refuse(ERROR.INVALID_RECORD, `${header.recordCount} records in ${header.lastOffsetDelta + 1} offsets.`);
  }
  if (header.isControl) refuse(ERROR.INVALID_RECORD, 'Clients are not allowed to write control records.');
  if (header.isTransactional) refuse(ERROR.INVALID_TXN_STATE, 'Transactions are not served.');
  if (header.producerId >= 0 && header.baseSequence < 0) {
    refuse(ERROR.INVALID_RECORD, 'A batch with a producer id needs a sequence.');
  }
  if (header.producerId >= 0 && header.producerEpoch < 0) {
    refuse(ERROR.INVALID_PRODUCER_EPOCH, 'A batch with a producer id needs an epoch.');
  }
}

function checkAndConvert(
  batch: Buffer,
  header: BatchHeader,
  settings: TopicSettings,
  options: CheckOptions,
): CheckedBatch {
  const { compression, logAppendTime } = settings;
  const { nowMs } = options;
  const isRecoded = compression !== undefined && compression.codec !== header.codec;
  // What has no key would be lost to the cleaner, whoever sent it.
  const isWalked = options.validation === 'full' || settings.compacted || isRecoded;
  const summary = isWalked ? walkRecords(batch, header, options, isRecoded) : undefined;
  if (summary !== undefined) checkRecords(batch, summary, settings, options);
  if (summary !== undefined && isRecoded) {
    // Before there are two of them in memory.
    if (compression.codec === 'none') checkSize(BATCH_HEADER_BYTES + summary.plainBytes, settings);
    const logAppendTimeMs = logAppendTime ? nowMs : undefined;
    const recoded = recodeBatch(batch, summary, { ...compression, crc: nativeCrc32c, logAppendTimeMs });
    const bytes = Buffer.from(recoded.buffer, recoded.byteOffset, recoded.length);
    checkSize(bytes.length, settings);
    return { batch: bytes, header: readBatchHeader(bytes) };
  }
  if (logAppendTime) stampLogAppendTime(batch, 0, nowMs, nativeCrc32c);
  else if (summary !== undefined && summary.maxTimestamp !== header.maxTimestamp) {
    stampMaxTimestamp(batch, 0, summary.maxTimestamp, nativeCrc32c);
  }
  return { batch, header };
}

/** Every record, after unpacking within the bounds of the batch and of its request. */
function walkRecords(batch: Buffer, header: BatchHeader, options: CheckOptions, isRecoded: boolean): RecordsSummary {
  const { budget } = options;
  const maxDecompressedBytes = Math.min(options.maxDecompressedBytes, budget.left);
  const isPacked = header.codec !== 'none';
  // A count that cannot be true is refused for what it is, further down.
  const mayBeTrue = header.recordCount * MIN_RECORD_BYTES <= (isPacked ? maxDecompressedBytes : batch.length);
  if (mayBeTrue && (budget.recordsLeft -= header.recordCount) < 0) {
    throw new ProduceRefusal(ERROR.MESSAGE_TOO_LARGE, 'The request has more records than one may have.');
  }
  // Taken off in advance: a batch that is refused half unpacked has cost as much.
  if (isPacked) budget.left -= maxDecompressedBytes;
  // Numbers that lie do no harm where the records are numbered anew: Apache Kafka has taken such batches ever since.
  const offsets = isRecoded ? 'any' : 'dense';
  const summary = validateRecords(batch, { offsets, header, decompress, maxDecompressedBytes });
  if (isPacked) budget.left += maxDecompressedBytes - summary.plainBytes;
  return summary;
}

const CODES: Partial<Record<RecordBatchError['code'], number>> = {
  'wrong-crc': ERROR.CORRUPT_MESSAGE,
  'unsupported-codec': ERROR.UNSUPPORTED_COMPRESSION_TYPE,
  'too-large': ERROR.MESSAGE_TOO_LARGE,
};

/** The walk's own errors as Kafka's codes; anything else is a bug and goes on. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof RecordBatchError)) return error;
  return new ProduceRefusal(CODES[error.code] ?? ERROR.INVALID_RECORD, error.message);
}

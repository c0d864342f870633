/**
 * What a batch must be before it enters the log, in the order in which Apache Kafka looks (LogValidator): form, size,
 * checksum, header, then every record. Called by the partition for client appends and for the mirror's.
 * Invariant: a batch that passes `full` can be decoded to its end by any consumer. Nothing is allocated per record.
 */
import { decompress, ERROR, nativeCrc32c } from '@meridian/protocol';
import {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  batchBaseOffset,
  batchCrcValid,
  batchMagic,
  batchSizeInBytes,
  type Rec,
  RecordBatchError,
  readBatchHeader,
  readRecords,
  stampLogAppendTime,
  stampMaxTimestamp,
  validateRecords,
} from '@meridian/protocol/record-batch';
import { MAX_RECORD_ERRORS } from '../limits.ts';
import { ProduceRefusal, type RecordError } from './produce-refusal.ts';
import type { TopicSettings } from './topic-settings.ts';

/** `full` walks the records (client listener), `header` trusts them (internal listener). */
export type Validation = 'full' | 'header';

/** Plain bytes that the batches of one request may still unpack to; what is unpacked is taken off. */
export interface UnpackBudget {
  left: number;
}

export interface CheckOptions {
  readonly validation: Validation;
  readonly nowMs: number;
  readonly produceVersion: number;
  readonly maxDecompressedBytes: number;
  readonly budget: UnpackBudget;
}

const MAGIC_AT = 16;
const CODECS_SINCE_PRODUCE_V7 = 'zstd';

/** Cuts the one batch that a produce may hold; throws `ProduceRefusal`. */
export function onlyBatch(records: Buffer | undefined): Buffer {
  const size = records === undefined ? undefined : batchSizeAt(records, 0);
  if (records === undefined || size === undefined) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'A produce request must have at least one record batch.');
  }
  if (size < records.length && batchSizeAt(records, size) !== undefined) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'A produce request must have exactly one record batch.');
  }
  return size === records.length ? records : records.subarray(0, size);
}

/** Size of the whole batch at `at`; undefined where the bytes end too early. Throws `ProduceRefusal` on nonsense. */
export function batchSizeAt(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at <= MAGIC_AT) return undefined;
  const size = batchSizeInBytes(bytes, at);
  const magic = batchMagic(bytes, at);
  if (magic === 0 || magic === 1) {
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'Only record batches with magic version 2 are accepted.');
  }
  if (magic !== 2 || size < BATCH_HEADER_BYTES) {
    throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, 'The batch has an unknown format or an impossible length.');
  }
  return size <= bytes.length - at ? size : undefined;
}

/** Checks a client's batch; stamps the timestamps that the topic wants. Returns its header. */
export function checkClientBatch(batch: Buffer, settings: TopicSettings, options: CheckOptions): BatchHeader {
  checkSizeAndSum(batch, settings);
  if (readBaseOffset(batch) !== 0)
    throw new ProduceRefusal(ERROR.INVALID_RECORD, 'The batch does not begin at offset 0.');
  try {
    const header = readBatchHeader(batch);
    checkClientHeader(header, options.produceVersion);
    // What has no key would be lost to the cleaner, whoever sent it.
    if (options.validation === 'full' || settings.compacted) checkRecords(batch, header, settings, options);
    if (settings.logAppendTime) stampLogAppendTime(batch, 0, options.nowMs, nativeCrc32c);
    return header;
  } catch (error) {
    throw asRefusal(error);
  }
}

/** Checks one batch of the mirror's: it was validated where it was born, so form, sum and header must do. */
export function checkMirroredBatch(batch: Buffer): BatchHeader {
  if (!batchCrcValid(batch, nativeCrc32c)) throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, 'The checksum is wrong.');
  try {
    return readBatchHeader(batch);
  } catch (error) {
    throw asRefusal(error);
  }
}

function checkSizeAndSum(batch: Buffer, settings: TopicSettings): void {
  if (batch.length > settings.maxMessageBytes) {
    const message = `The batch has ${batch.length} bytes, the topic takes at most ${settings.maxMessageBytes}.`;
    throw new ProduceRefusal(ERROR.MESSAGE_TOO_LARGE, message);
  }
  if (batch.length > settings.segmentBytes) {
    throw new ProduceRefusal(ERROR.RECORD_LIST_TOO_LARGE, 'The batch is larger than a segment of the topic.');
  }
  if (!batchCrcValid(batch, nativeCrc32c)) throw new ProduceRefusal(ERROR.CORRUPT_MESSAGE, 'The checksum is wrong.');
}

function readBaseOffset(batch: Buffer): number {
  try {
    return batchBaseOffset(batch);
  } catch (error) {
    throw asRefusal(error);
  }
}

function checkClientHeader(header: BatchHeader, produceVersion: number): void {
  const refuse = (errorCode: number, message: string): never => {
    throw new ProduceRefusal(errorCode, message);
  };
  if (header.codec === CODECS_SINCE_PRODUCE_V7 && produceVersion < 7) {
    refuse(ERROR.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce v7 or newer.');
  }
  if (header.recordCount === 0 || header.recordCount !== header.lastOffsetDelta + 1) {
    refuse(ERROR.INVALID_RECORD, `${header.recordCount} records in ${header.lastOffsetDelta + 1} offsets.`);
  }
  if (header.isControl) refuse(ERROR.INVALID_RECORD, 'Clients are not allowed to write control records.');
  if (header.isTransactional) refuse(ERROR.INVALID_TXN_STATE, 'Transactions are not served.');
  if (header.hasLogAppendTime) {
    refuse(ERROR.INVALID_TIMESTAMP, 'A producer must not set the timestamp type to LogAppendTime.');
  }
  if (header.producerId >= 0 && header.baseSequence < 0) {
    refuse(ERROR.INVALID_RECORD, 'A batch with a producer id needs a sequence.');
  }
  if (header.producerId >= 0 && header.producerEpoch < 0) {
    refuse(ERROR.INVALID_PRODUCER_EPOCH, 'A batch with a producer id needs an epoch.');
  }
}

function checkRecords(batch: Buffer, header: BatchHeader, settings: TopicSettings, options: CheckOptions): void {
  const { minTimestamp, maxTimestamp, keylessRecords } = walkRecords(batch, header, options);
  const latest = settings.logAppendTime ? Number.POSITIVE_INFINITY : options.nowMs + settings.timestampAfterMaxMs;
  const earliest = settings.logAppendTime ? -1 : options.nowMs - settings.timestampBeforeMaxMs;
  const isUntimely = maxTimestamp > latest || (minTimestamp >= 0 && minTimestamp < earliest);
  if (isUntimely || (settings.compacted && keylessRecords > 0)) {
    const errors = recordErrors(batch, options.maxDecompressedBytes, ({ key, timestamp }) => {
      if (settings.compacted && key === null) return 'Compacted topic cannot accept message without key';
      const isWrong = timestamp > latest || (timestamp >= 0 && timestamp < earliest);
      return isWrong ? `Timestamp ${timestamp} is out of range: it has to lie in ${earliest}..${latest}` : undefined;
    });
    const errorCode = isUntimely ? ERROR.INVALID_TIMESTAMP : ERROR.INVALID_RECORD;
    throw new ProduceRefusal(errorCode, 'One or more records were refused.', errors);
  }
  if (settings.logAppendTime) return;
  if (maxTimestamp !== header.maxTimestamp) stampMaxTimestamp(batch, 0, maxTimestamp, nativeCrc32c);
}

/** Every record, after unpacking within the bounds of the batch and of its request. */
function walkRecords(batch: Buffer, header: BatchHeader, options: CheckOptions) {
  const { budget } = options;
  const maxDecompressedBytes = Math.min(options.maxDecompressedBytes, budget.left);
  const isPacked = header.codec !== 'none';
  // Taken off in advance: a batch that is refused half unpacked has cost as much.
  if (isPacked) budget.left -= maxDecompressedBytes;
  const summary = validateRecords(batch, { dense: true, decompress, maxDecompressedBytes });
  if (isPacked) budget.left += maxDecompressedBytes - summary.plainBytes;
  return summary;
}

/** The records of a batch that is whole but refused, each with what is wrong with it. */
function recordErrors(
  batch: Buffer,
  maxDecompressedBytes: number,
  wrong: (record: Rec) => string | undefined,
): RecordError[] {
  const errors: RecordError[] = [];
  let batchIndex = -1;
  for (const record of readRecords(batch, { decompress, maxDecompressedBytes })) {
    batchIndex++;
    const batchIndexErrorMessage = wrong(record);
    if (batchIndexErrorMessage !== undefined) errors.push({ batchIndex, batchIndexErrorMessage });
    if (errors.length === MAX_RECORD_ERRORS) break;
  }
  return errors;
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

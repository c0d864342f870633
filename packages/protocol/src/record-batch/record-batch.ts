/**
 * Record batches v2, the run of bytes that nobody takes apart: `@meridian/protocol/record-batch`. Brokers, mirror,
 * gateway and the SDK (in browsers) share it, so it knows `Uint8Array` only and imports nothing from outside its folder.
 */
export { type BatchView, iterateBatches, wholeBatchesSize } from './batches.ts';
export { crcCombined, crcOfRest, crcReplaced } from './crc-combine.ts';
export { crc32c } from './crc32c.ts';
export { RECORD_BATCH_ERRORS, RecordBatchError, type RecordBatchErrorCode } from './errors.ts';
export {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  BATCH_OVERHEAD_BYTES,
  type BatchHeader,
  batchAttributes,
  batchBaseOffset,
  batchCrc,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchMaxTimestamp,
  batchProducerId,
  batchRecordCount,
  batchSizeInBytes,
  CODECS,
  type Codec,
  FIELD as BATCH_FIELD,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  peekBatchHeader,
  readBatchHeader,
  wholeBatchSize,
} from './header.ts';
export { MAX_DECOMPRESSED_BYTES, MAX_OFFSET_DELTA, MIN_RECORD_BYTES } from './limits.ts';
export { type AbortMarker, abortMarker } from './markers.ts';
export { type MergedBatch, type MergeOptions, mergeBatches } from './merge.ts';
export { murmur2, partitionForKey } from './murmur2.ts';
export type { Decompress, PayloadOptions } from './payload.ts';
export { plainRecords } from './plain-records.ts';
export { type RecodeOptions, recodeBatch } from './recode.ts';
export { type Rec, type RecHeader, readRecords } from './records.ts';
export {
  deleteHorizonMs,
  emptiedBatch,
  type KeepRecord,
  type RetainedRecords,
  type RewriteOptions,
  retainRecords,
  rewriteBatch,
} from './retain.ts';
export {
  batchCrcValid,
  type Crc32c,
  stampBaseOffset,
  stampCrc,
  stampCreateTime,
  stampLeaderEpoch,
  stampLogAppendTime,
  stampMaxTimestamp,
  stampProducer,
} from './stamps.ts';
export { type RecordsSummary, type ValidateOptions, validateRecords } from './validate.ts';
export { type BatchOptions, emptyBatch, type NewRecord, type WriteBatchOptions, writeBatch } from './write.ts';

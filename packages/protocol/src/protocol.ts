/**
 * `@meridian/protocol`: Kafka's protocol as typed messages. APIs are declared in `apis/`, metadata records in
 * `metadata-records/`; `codec/` compiles them; `record-batch/` (also exported on its own) reads and writes batches.
 */
export { DefaultPrincipalData } from './apis/58-envelope.ts';
export * from './apis/apis.ts';
export {
  decodeMessage,
  decodeRequest,
  decodeResponse,
  encodeMessage,
  encodeRequest,
  encodeResponse,
  type RequestHeader,
  responseCorrelationId,
} from './codec/codec.ts';
export type {
  Api,
  Decoded,
  Fields,
  Input,
  Listener,
  RequestInput,
  RequestOf,
  ResponseInput,
  ResponseOf,
  Schema,
} from './codec/schema.ts';
export { NO_LIMIT, uuidFromBase64, uuidToBase64, ZERO_UUID } from './codec/values.ts';
export { compress, decompress } from './compression/compression.ts';
export { lz4Frames } from './compression/lz4.ts';
export { ERROR, type ErrorName, errorName, isRetriable } from './error-codes.ts';
export { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode } from './errors.ts';
export {
  createFrameSplitter,
  type FrameMemory,
  type FrameSplitter,
  type FrameSplitterOptions,
} from './frame-splitter.ts';
export * from './group-records/group-records.ts';
export * from './metadata-records/control-records.ts';
export {
  completeMetadataRecord,
  decodeMetadataRecord,
  encodeMetadataRecord,
  METADATA_RECORDS,
  type MetadataRecord,
  type MetadataRecordInput,
  type MetadataRecordOf,
  type MetadataRecordType,
} from './metadata-records/metadata-records.ts';
export { nativeCrc32c } from './native-crc32c.ts';
export {
  ANY_OFFSET,
  HEADERS_ONLY_LEVEL,
  MIRROR_FEATURE,
  MIRROR_FEATURE_MIN_VERSION,
  MIRROR_FEATURE_VERSION,
  PROMOTED_EPOCH,
  READS_ON_LEVEL,
  WIRE_CODEC_LEVEL,
} from './private-tags.ts';
export {
  createScramClient,
  createScramServer,
  SCRAM_MECHANISM,
  type ScramClient,
  type ScramCredential,
  type ScramMechanism,
  type ScramServer,
  scramCredential,
} from './sasl-scram.ts';

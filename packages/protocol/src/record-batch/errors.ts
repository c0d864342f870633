/**
 * What can be wrong with a record batch, as one coded table. Everything in this folder and the compression codecs
 * throw `RecordBatchError` and nothing else, whatever bytes they are given.
 */
export const RECORD_BATCH_ERRORS = {
  truncated: 'The bytes end before the batch does.',
  'unsupported-magic': 'The batch is not of format version 2: use a client of Kafka 0.11 or newer.',
  'unsupported-codec': 'The compression codec is unknown, or none was handed in for it.',
  'corrupt-batch': 'The header of the batch contradicts itself or what follows it.',
  'corrupt-record': 'A record contradicts the length or count that was announced.',
  'wrong-crc': 'The checksum does not match: the batch was damaged on its way.',
  'unsafe-integer': 'An offset, timestamp or id lies beyond ±2^53.',
  'corrupt-compression': 'The compressed records cannot be decompressed.',
  'too-large': 'The records would be larger than the limit.',
} as const;

export type RecordBatchErrorCode = keyof typeof RECORD_BATCH_ERRORS;

export class RecordBatchError extends Error {
  readonly code: RecordBatchErrorCode;
  constructor(code: RecordBatchErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${RECORD_BATCH_ERRORS[code]}`, options);
    this.name = 'RecordBatchError';
    this.code = code;
  }
}

/**
 * The package's one table of errors. What the disk does wrong arrives as `IoError`; these are what the log itself
 * refuses. A caller that gets `not-contiguous` or `out-of-range` has a bug or a stale view of the log.
 */
export const LOG_ERRORS = {
  offline: 'The log is offline after a failed write or fsync: mend the disk and restart.',
  closed: 'The log is closed.',
  'out-of-range': 'The offset is not in the log.',
  'not-contiguous': 'The batch does not begin at or behind the log end.',
  'corrupt-batch': 'A stored batch is damaged: restore the partition from another replica or region.',
  'missing-segment':
    'Indexes are there, their segment is not: restore its .log file, or the partition from another replica or region.',
  'batch-too-large': 'The batch is larger than a segment may be.',
  'topic-id-mismatch': 'The folder belongs to another topic: its partition.metadata names a different topic id.',
  'corrupt-checkpoint': 'A checkpoint file cannot be read: restore it from a copy, or remove the partition folder.',
  'newer-format': 'The file was written by a newer version: start that version, or restore a copy.',
} as const;

export type LogErrorCode = keyof typeof LOG_ERRORS;

export class LogError extends Error {
  readonly code: LogErrorCode;
  constructor(code: LogErrorCode, detail: string, options?: ErrorOptions) {
    super(`${detail}: ${LOG_ERRORS[code]}`, options);
    this.name = 'LogError';
    this.code = code;
  }
}

/**
 * A produce that is refused: Kafka's error code, the message for people, and the record at fault where one is known.
 * Thrown by the checks of this folder and caught by the partition, which turns it into the answer.
 */
export class ProduceRefusal extends Error {
  readonly errorCode: number;
  /** The records at fault, where it is records. */
  readonly recordErrors: readonly RecordError[];
  constructor(errorCode: number, message: string, recordErrors: readonly RecordError[] = NO_RECORD_ERRORS) {
    super(message);
    this.name = 'ProduceRefusal';
    this.errorCode = errorCode;
    this.recordErrors = recordErrors;
  }
}

/** One record at fault: which of the batch, and what is wrong with it. */
export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

export const NO_RECORD_ERRORS: readonly RecordError[] = [];

/**
 * What an append may run into, and what its producer hears of it. Used by the partition around everything that changes its
 * log. Invariant: only the checks' refusals and a log that takes no more are answers; anything else is a bug, and goes on up.
 */
import { IoError } from '@meridian/io';
import { LogError } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import type { ProducePart } from './produce-part.ts';
import { ProduceRefusal } from './validation/produce-refusal.ts';

/** Refusals that do not tell where the log starts, as in Apache Kafka. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ERROR.MESSAGE_TOO_LARGE,
  ERROR.RECORD_LIST_TOO_LARGE,
  ERROR.CORRUPT_MESSAGE,
  ERROR.UNSUPPORTED_COMPRESSION_TYPE,
  ERROR.KAFKA_STORAGE_ERROR,
]);

/** Throws what is a bug. */
export function refusalOf(thrown: unknown): ProduceRefusal {
  if (thrown instanceof ProduceRefusal) return thrown;
  if (thrown instanceof IoError) return new ProduceRefusal(ERROR.KAFKA_STORAGE_ERROR, thrown.message);
  if (!(thrown instanceof LogError)) throw thrown;
  const code = thrown.code === 'batch-too-large' ? ERROR.RECORD_LIST_TOO_LARGE : ERROR.KAFKA_STORAGE_ERROR;
  return new ProduceRefusal(code, thrown.message);
}

/** Answers the part with what was thrown while it was appended. */
export function refuse(part: ProducePart, thrown: unknown): void {
  const { recordErrors, errorCode, message } = refusalOf(thrown);
  part.recordErrors = recordErrors;
  if (WITHOUT_LOG_START.has(errorCode)) part.logStartOffset = -1;
  part.settle(errorCode, message);
}

/**
 * One call of `produce` on its way, and what an answer to it means. Shared by the queues and the senders.
 * Invariant: a batch that may have been appended is sent again only if the broker would recognise it (idempotent) or
 * the caller asked for it.
 */
import { ERROR, isRetriable } from '@meridian/protocol';
import { ClientError } from '../errors.ts';
import type { MirrorAppend, ProducedResult } from '../types.ts';

export interface PendingProduce {
  /** Grows with every call: the order in which calls take effect. */
  readonly sequence: number;
  readonly batches: readonly Buffer[];
  readonly sizeInBytes: number;
  readonly acks: 1 | -1;
  /** Undefined: whichever topic has the name. */
  readonly topicId: string | undefined;
  readonly mirror: MirrorAppend | undefined;
  /** A broker recognises it when it comes again. */
  readonly isIdempotent: boolean;
  /** One of a numbered chain: those behind it are void without it. */
  readonly isSequenced: boolean;
  readonly retryUnknown: boolean;
  readonly dueAt: number;
  /** Why it is still here; told when its time is over. */
  lastFailure: unknown;
  /** One before it in its chain has failed: it is not sent again. */
  isBroken: boolean;
  settled: boolean;
  resolve(result: ProducedResult): void;
  reject(error: ClientError): void;
}

/** May be in flight together with others of its partition without danger to the order. */
export function isPipelinable(produce: PendingProduce): boolean {
  return produce.mirror !== undefined || produce.isIdempotent;
}

/** Not in the log, as far as is known. */
export function isFailed(outcome: ProducedResult | ClientError): boolean {
  if (outcome instanceof ClientError) return true;
  return outcome.errorCode !== ERROR.NONE && outcome.errorCode !== ERROR.DUPLICATE_SEQUENCE_NUMBER;
}

/** Refused before anything was appended, and worth another try. */
const NOT_APPENDED: ReadonlySet<number> = new Set<number>([
  ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  ERROR.LEADER_NOT_AVAILABLE,
  ERROR.NOT_LEADER_OR_FOLLOWER,
  ERROR.NOT_ENOUGH_REPLICAS,
  ERROR.UNKNOWN_TOPIC_ID,
  ERROR.THROTTLING_QUOTA_EXCEEDED,
]);
/** Appended at the leader, or maybe. */
const MAYBE_APPENDED: ReadonlySet<number> = new Set<number>([
  ERROR.REQUEST_TIMED_OUT,
  ERROR.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ERROR.NETWORK_EXCEPTION,
]);

export type Verdict = 'answer' | 'again' | 'unknown';

/** Of the answer to a produce. */
interface Answered {
  readonly errorCode: number;
  /** −1 where the log was not even looked at. */
  readonly logStartOffset: number;
}

/** `again`: goes back into its queue. `hasEarlier`: an earlier call of the partition has yet to end. */
export function judgeAnswer(produce: PendingProduce, answer: Answered, hasEarlier: boolean): Verdict {
  const { errorCode } = answer;
  if (errorCode === ERROR.NONE || produce.mirror !== undefined) return 'answer';
  if (lostItsLeader(answer)) return produce.isIdempotent || produce.retryUnknown ? 'again' : 'unknown';
  if (NOT_APPENDED.has(errorCode)) return 'again';
  if (MAYBE_APPENDED.has(errorCode)) return produce.isIdempotent || produce.retryUnknown ? 'again' : 'unknown';
  // What overtook an earlier one that failed is out of order only until that one is in.
  if (errorCode === ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER) return produce.isIdempotent && hasEarlier ? 'again' : 'answer';
  const isTransient = isRetriable(errorCode) && errorCode !== ERROR.CORRUPT_MESSAGE;
  return isTransient && produce.isIdempotent ? 'again' : 'answer';
}

/** The leader had appended it, and ceased to lead before the others had it: the next leader may have it or not. */
function lostItsLeader({ errorCode, logStartOffset }: Answered): boolean {
  return errorCode === ERROR.NOT_LEADER_OR_FOLLOWER && logStartOffset >= 0;
}

/** The connection failed; `wasSent`: the broker may have it. */
export function judgeFailure(produce: PendingProduce, error: ClientError, wasSent: boolean): Verdict | 'fail' {
  if (error.code === 'closed' || error.code === 'unknown-topic' || produce.mirror !== undefined) return 'fail';
  if (error.code === 'authentication' || error.code === 'tls' || error.code === 'unsupported-version') return 'fail';
  return !wasSent || produce.isIdempotent || produce.retryUnknown ? 'again' : 'unknown';
}

export function settle(produce: PendingProduce, outcome: ProducedResult | ClientError): void {
  if (produce.settled) return;
  produce.settled = true;
  if (outcome instanceof ClientError) produce.reject(outcome);
  else produce.resolve(outcome);
}

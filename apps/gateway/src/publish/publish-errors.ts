/** What a client is told when the broker refuses a batch: Kafka's codes in the gateway's few words. */
import { ERROR, errorName, isRetriable } from '@meridian/protocol';
import type { ErrorCode } from '@meridian/sdk/frames';
import { GatewayError } from '../errors.ts';

const CODES = new Map<number, ErrorCode>([
  [ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'unknown-topic'],
  [ERROR.UNKNOWN_TOPIC_ID, 'unknown-topic'],
  [ERROR.MESSAGE_TOO_LARGE, 'too-large'],
  [ERROR.RECORD_LIST_TOO_LARGE, 'too-large'],
  [ERROR.CORRUPT_MESSAGE, 'bad-request'],
  [ERROR.INVALID_RECORD, 'bad-request'],
  [ERROR.INVALID_TIMESTAMP, 'bad-request'],
  [ERROR.INVALID_TOPIC_EXCEPTION, 'bad-request'],
  [ERROR.POLICY_VIOLATION, 'forbidden'],
  [ERROR.TOPIC_AUTHORIZATION_FAILED, 'forbidden'],
  [ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, 'out-of-order-sequence'],
  [ERROR.UNKNOWN_PRODUCER_ID, 'out-of-order-sequence'],
  [ERROR.INVALID_PRODUCER_EPOCH, 'fenced-producer'],
  [ERROR.PRODUCER_FENCED, 'fenced-producer'],
  [ERROR.REQUEST_TIMED_OUT, 'timeout'],
]);

export function refusal(errorCode: number, message: string | null): GatewayError {
  const code = CODES.get(errorCode) ?? (isRetriable(errorCode) ? 'unavailable' : 'internal');
  return new GatewayError(code, message ?? errorName(errorCode).toLowerCase().replaceAll('_', ' '));
}

/**
 * Meridian's Kafka client, for the mirror, the gateway and the command line: pipelining, metadata refresh, raw
 * batches in and out, retries with full-jitter back-off, cancellation.
 * Invariant: every wait has a bound, and every call ends with an answer or a `ClientError`.
 */
export { CLIENT_ERRORS, ClientError, type ClientErrorCode } from './errors.ts';
export { type ClientLimits, DEFAULT_LIMITS } from './limits.ts';
export type * from './types.ts';

/** Special timestamps of `listOffsets`. */
export const EARLIEST = -2;
export const LATEST = -1;

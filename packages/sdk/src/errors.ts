/** The package's one table of errors. `code` is for programs, the message for people. */
import type { ErrorCode } from './frames.ts';

export const SDK_ERRORS = {
  'not-connected': 'No gateway could be reached in time: check the URLs and the network.',
  refused: 'The gateway refused the connection for good: see the close code; a new token or version may help.',
  'token-failed': 'The token callback failed.',
  closed: 'The client was closed.',
  'connection-lost': 'The connection broke before the answer came; the record may have been written or not.',
  'outcome-unknown': 'The publishing session could not go on, so it is unknown whether the record was written.',
  'not-sent': 'No connection within the time; the record was not written.',
  'queue-full': 'Too many publishes are waiting: await some of them before the next.',
  'already-subscribed': 'The topic is subscribed on this client: use that subscription, or another client.',
  gap: 'Records are gone that should have been delivered; set onGap to go on behind them.',
} as const;

export type SdkErrorCode = keyof typeof SDK_ERRORS | ErrorCode;

/** A failure in one of the codes above, or in one that the gateway sent (`ERROR_CODES` of frames.ts). */
export class MeridianError extends Error {
  readonly code: SdkErrorCode;
  /** The same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: SdkErrorCode, detail: string, retryable = false) {
    const advice = code in SDK_ERRORS ? ` ${SDK_ERRORS[code as keyof typeof SDK_ERRORS]}` : '';
    super(`${code}: ${detail}${advice}`);
    this.name = 'MeridianError';
    this.code = code;
    this.retryable = retryable;
  }
}

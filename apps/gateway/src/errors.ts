/** The gateway's one table of errors towards clients is `ERROR_CODES` of the protocol; this carries one of them. */
import { ERROR_CODES, type ErrorCode } from '@meridian/sdk/frames';
import { TenancyError } from '@meridian/tenancy';

export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;

  /** `retryable: false`: this time waiting does not help, although with that code it mostly does. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions & { retryable?: false }) {
    super(message, options);
    this.name = 'GatewayError';
    this.code = code;
    this.retryable = options?.retryable ?? ERROR_CODES[code].retryable;
  }

  /** A token that was good once: a new one will do. */
  get isExpired(): boolean {
    return this.cause instanceof TenancyError && this.cause.code === 'token-expired';
  }
}

const OF_TENANCY: Partial<Record<string, ErrorCode>> = {
  'bad-name': 'bad-request',
  'bad-session': 'bad-request',
  'bad-cursor': 'bad-cursor',
  'cursor-too-large': 'limit-exceeded',
  'bad-token': 'unauthorized',
  'token-expired': 'unauthorized',
  'no-keys': 'unavailable',
};

/** What a client is told about any failure; a bug is `internal` and says nothing of itself. */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof TenancyError) {
    return new GatewayError(OF_TENANCY[error.code] ?? 'internal', error.message, { cause: error });
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'timeout') return new GatewayError('timeout', 'the broker did not answer in time', { cause: error });
  if (typeof code === 'string')
    return new GatewayError('unavailable', 'the broker cannot be reached', { cause: error });
  return new GatewayError('internal', 'something went wrong in the gateway', { cause: error });
}

/** Failures over HTTP: RFC 9457 problem documents with the same codes as `error` frames. */
import { ERROR_CODES, type ErrorCode } from '@meridian/sdk/frames';
import type { GatewayError } from '../errors.ts';

// An import of it as a module would load all that it hands out: an HTTP client of 14 MB, too.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  retryable: boolean;
}

export function problemOf(error: GatewayError, status: number = ERROR_CODES[error.code].status): Problem {
  const title = STATUS_CODES[status] ?? error.code;
  return { type: 'about:blank', title, status, detail: error.message, code: error.code, retryable: error.retryable };
}

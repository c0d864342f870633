/** Failures over HTTP: RFC 9457 problem documents with the same codes as `error` frames. */
import { STATUS_CODES } from 'node:http';
import { ERROR_CODES, type ErrorCode } from '@meridian/sdk/frames';
import type { GatewayError } from '../errors.ts';

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

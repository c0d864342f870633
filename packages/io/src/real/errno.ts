/**
 * From Node's system errors to the package's coded ones; used by every file of the real twin.
 * Invariant: nothing but `IoError` leaves the real twin; the system's own error stays on as `cause`.
 */
import { IoError, type IoErrorCode } from '../errors.ts';

const CODE_OF_ERRNO: Readonly<Record<string, IoErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  EISDIR: 'is-folder',
  ENOTEMPTY: 'exists',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EFBIG: 'no-space',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  EMFILE: 'too-many-files',
  ENFILE: 'too-many-files',
  EADDRINUSE: 'address-in-use',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EAI_FAIL: 'unreachable',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  ENOTCONN: 'closed',
  EBADF: 'closed',
};

/** `detail` says what was tried, as in `open /data/x`. */
export function ioErrorFrom(error: unknown, detail: string): IoError {
  if (error instanceof IoError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new IoError(CODE_OF_ERRNO[code ?? ''] ?? 'io', `${detail} (${code ?? message})`, { cause: error });
}

/** Runs one system call and lets nothing but `IoError` out. */
export function attempt<T>(detail: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw ioErrorFrom(error, `${detail} ${path}`);
  }
}

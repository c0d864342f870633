/**
 * Sockets of the real twin that speak TLS, as the client. Made by real-net.ts; a `RealConnection` is put over them as
 * over any other socket. Certificates are checked by Node against `ca`, or against whom Node believes.
 * Invariant: `secureConnect` comes only once the peer's certificate chain is trusted and, with `verifyHost`, names it.
 */
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect } from 'node:tls';
import { IoError } from '../errors.ts';
import type { TlsOptions } from '../io.ts';
import { ioErrorFrom } from './errno.ts';
import { type Receiver, receiveInto } from './receive-buffer.ts';

export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  readonly highWaterMark: number;
}

export function openTlsSocket(target: TlsTarget, options: TlsOptions, receiver: Receiver): Socket {
  const { verifyHost, servername = isIP(target.host) ? '' : target.host, ...pem } = options;
  const named = servername === '' ? target.host : servername;
  const settings: ConnectionOptions = {
    ...target,
    ...pem,
    minVersion: 'TLSv1.2',
    servername: isIP(servername) ? '' : servername,
    checkServerIdentity: (_host, certificate) => (verifyHost ? checkServerIdentity(named, certificate) : undefined),
    onread: receiveInto(receiver),
  } as ConnectionOptions;
  return connect(settings);
}

/** Of a connection with TLS: what is wrong with certificates and protocol is `tls`, all else as without. */
export function tlsErrorFrom(error: unknown, detail: string): IoError {
  const { code = '' } = error as { code?: unknown };
  const isTls =
    typeof code === 'string' && (TLS_CODES.has(code) || /^(ERR_(SSL|TLS|OSSL)_|EPROTO$|CERT_|UNABLE_TO_)/.test(code));
  if (!isTls) return ioErrorFrom(error, detail);
  return new IoError('tls', `${detail}, ${(error as Error).message}`, { cause: error });
}

/** Those of OpenSSL's verdicts that do not begin alike. */
const TLS_CODES: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
]);

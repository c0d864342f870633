/**
 * How a client proves itself and its broker: TLS and SASL, as listeners of Apache Kafka want them (SSL, SASL_PLAINTEXT,
 * SASL_SSL). Handed in by whoever makes a client; used by `connection/handshake.ts`.
 * Invariant: a password is in no error and no log.
 */
import type { TlsOptions } from '@meridian/io';

export type { TlsOptions } from '@meridian/io';

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

export interface SaslCredentials {
  readonly mechanism: SaslMechanism;
  readonly username: string;
  readonly password: string;
}

export interface Security {
  /** Absent: plain TCP. */
  readonly tls?: TlsOptions;
  /** Absent: nobody in particular (or whom the certificate of `tls` names). */
  readonly sasl?: SaslCredentials;
}

/** Meridian's internal listener: whoever knows the secret is the user `internal`. */
export function internalSecurity(secret: string): Security {
  return { sasl: { mechanism: 'SCRAM-SHA-256', username: 'internal', password: secret } };
}

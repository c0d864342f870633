/**
 * Who somebody is: verifies a JWT and reads tenant, subject and permissions from it. The gateway calls it at every
 * connect, refresh and HTTP request.
 * (jose is imported part by part: all of it would cost each process 7 MB.)
 * Invariant: only ES256, EdDSA and RS256, only with a key of the key file; whatever the token itself says about
 * keys (`jwk`, `jku`, `x5u`, `x5c`) is ignored; any `crit` is refused; a claim that is missing refuses the token.
 */
import type { Io } from '@meridian/io';
import type { JWTPayload } from 'jose';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { JWTClaimValidationFailed, JWTExpired } from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import { TenancyError } from './errors.ts';
import { createKeyFile } from './key-file.ts';
import { LIMITS } from './limits.ts';
import { checkTenant } from './names.ts';
import { type Permission, parsePermissions } from './permissions.ts';

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'RS256'];
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export interface Principal {
  readonly tenant: string;
  readonly subject: string;
  readonly permissions: readonly Permission[];
  /** Milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

export interface TokenVerifier {
  /** Rejects with a `TenancyError`: `bad-token`, `token-expired` or `no-keys`. */
  verify(token: string): Promise<Principal>;
}

export interface VerifierOptions {
  jwksFile: string | undefined;
  issuer: string;
  audience: string;
  /** Names that no tenant may bear. */
  regions: readonly string[];
}

export function createTokenVerifier(io: Pick<Io, 'disk' | 'clock'>, options: VerifierOptions): TokenVerifier {
  const file = createKeyFile(io, options.jwksFile);
  return {
    async verify(token) {
      if (token.length > LIMITS.maxTokenChars || !COMPACT.test(token)) throw refusal('not a compact JWT');
      const keys = file.keys();
      const nowMs = io.clock.now();
      const payload = await verifySignature(token, keys, options, nowMs);
      return readPrincipal(payload, options.regions, nowMs);
    },
  };
}

async function verifySignature(
  token: string,
  keys: Parameters<typeof jwtVerify>[1],
  options: VerifierOptions,
  nowMs: number,
): Promise<JWTPayload> {
  try {
    if (decodeProtectedHeader(token).crit !== undefined) throw refusal('crit');
    const verified = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: options.issuer,
      audience: options.audience,
      requiredClaims: ['exp', 'sub', 'tenant'],
      currentDate: new Date(nowMs),
      clockTolerance: LIMITS.clockSkewMs / 1000,
    });
    return verified.payload;
  } catch (cause) {
    if (cause instanceof TenancyError) throw cause;
    if (cause instanceof JWTExpired) throw new TenancyError('token-expired', 'token', { cause });
    if (cause instanceof JWTClaimValidationFailed) throw refusal(`claim ${cause.claim} (${cause.reason})`, cause);
    // jose's codes (ERR_JWS_INVALID …) say what is wrong and hold nothing of the token.
    throw refusal((cause as { code?: string }).code ?? 'token', cause);
  }
}

function readPrincipal(payload: JWTPayload, regions: readonly string[], nowMs: number): Principal {
  const { tenant, allow = [], sub, exp, iat } = payload as JWTPayload & { tenant?: unknown; allow?: unknown };
  if (typeof tenant !== 'string') throw refusal('tenant');
  if (typeof sub !== 'string' || sub === '' || sub.length > LIMITS.maxSubjectChars) throw refusal('sub');
  if (typeof exp !== 'number' || !Number.isSafeInteger(Math.floor(exp * 1000))) throw refusal('exp');
  if (exp * 1000 <= nowMs) throw new TenancyError('token-expired', 'token');
  if (iat !== undefined && iat * 1000 > nowMs + LIMITS.clockSkewMs) throw refusal('iat');
  if (!Array.isArray(allow) || !allow.every((entry) => typeof entry === 'string')) throw refusal('allow');
  try {
    const permissions = parsePermissions(allow);
    return { tenant: checkTenant(tenant, regions), subject: sub, permissions, expiresAtMs: Math.floor(exp * 1000) };
  } catch (cause) {
    throw refusal((cause as Error).message, cause);
  }
}

function refusal(detail: string, cause?: unknown): TenancyError {
  return new TenancyError('bad-token', detail, { cause });
}

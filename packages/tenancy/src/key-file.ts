/**
 * The JWKS file that tokens are checked against: read when first needed, and again when the file changes, so that
 * keys are rotated and revoked without a restart.
 * Invariant: it fails closed. No file, an unreadable or empty one: nobody enters (`no-keys`) until it is mended.
 */
import type { Io } from '@meridian/io';
import type { JSONWebKeySet, JWK } from 'jose';
import { createLocalJWKSet } from 'jose/jwks/local';
import { TenancyError } from './errors.ts';
import { LIMITS } from './limits.ts';

export type KeySet = ReturnType<typeof createLocalJWKSet>;

export interface KeyFile {
  /** The keys as the file has them now; throws `no-keys`. */
  keys(): KeySet;
}

/** `path` undefined: no key file is configured. */
export function createKeyFile(io: Pick<Io, 'disk' | 'clock'>, path: string | undefined): KeyFile {
  let known: { version: string; keys: KeySet } | undefined;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  const refresh = (file: string): KeySet => {
    const { size, modifiedMs } = io.disk.stat(file);
    const version = `${size} ${modifiedMs}`;
    if (known?.version === version) return known.keys;
    if (size > LIMITS.maxKeyFileBytes) throw new TenancyError('no-keys', `${file} has ${size} bytes`);
    known = { version, keys: createLocalJWKSet(parseKeySet(file, io.disk.readFile(file).toString('utf8'))) };
    return known.keys;
  };
  return {
    keys() {
      if (path === undefined) throw new TenancyError('no-keys', 'no jwksFile');
      const now = io.clock.monotonic();
      if (known !== undefined && now - lookedAtMs < LIMITS.keyFileCheckMs) return known.keys;
      try {
        const keys = refresh(path);
        lookedAtMs = now;
        return keys;
      } catch (cause) {
        known = undefined;
        throw cause instanceof TenancyError ? cause : new TenancyError('no-keys', path, { cause });
      }
    },
  };
}

function parseKeySet(file: string, text: string): JSONWebKeySet {
  const keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length > LIMITS.maxKeys) throw new TenancyError('no-keys', `${file}: keys`);
  const usable = keys.map(publicPart).filter((key) => key !== undefined);
  if (usable.length === 0) throw new TenancyError('no-keys', `${file} has no ES256, EdDSA or RS256 key`);
  return { keys: usable };
}

/** Only what verifies: never a shared secret (`oct`), never the private members of a key. */
function publicPart(key: JWK | null): JWK | undefined {
  const names = { EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'], RSA: ['n', 'e'] }[String(key?.kty)];
  if (key === null || names === undefined) return undefined;
  const kept = ['kty', 'kid', 'alg', 'use', ...names].filter((name) => key[name as keyof JWK] !== undefined);
  return Object.fromEntries(kept.map((name) => [name, key[name as keyof JWK]])) as JWK;
}

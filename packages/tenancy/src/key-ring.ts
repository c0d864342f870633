/**
 * The secrets that sign cursors and sessions, the same in all regions. Two are valid at once, so that they can be
 * changed without refusing anybody: the first one signs, either one verifies.
 * Invariant: what was signed for one purpose (`label`) never verifies for another.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { TenancyError } from './errors.ts';
import { LIMITS } from './limits.ts';

export const MAC_BYTES = 32;

export interface KeyRing {
  /** Id of the key that signs, 0–255. */
  readonly signingKeyId: number;
  sign(keyId: number, label: string, bytes: Uint8Array): Buffer;
  /** False for a key that is not in the ring. */
  verify(keyId: number, label: string, bytes: Uint8Array, mac: Uint8Array): boolean;
}

/** Reads the ring's file: `{"keys":[{"id":1,"secret":"<base64url>"}, …]}`. Throws `bad-key-ring`. */
export function parseKeyRing(text: string): KeyRing {
  let keys: unknown;
  try {
    keys = (JSON.parse(text) as { keys?: unknown }).keys;
  } catch (cause) {
    throw new TenancyError('bad-key-ring', 'not JSON', { cause });
  }
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > 2) throw new TenancyError('bad-key-ring', 'keys');
  return ringOf(new Map(keys.map(parseKey)), parseKey(keys[0])[0]);
}

/** The text of a ring with one key, for a new installation; `secret` are fresh random bytes. */
export function keyRingText(secret: Uint8Array, id = 1): string {
  return `${JSON.stringify({ keys: [{ id, secret: Buffer.from(secret).toString('base64url') }] })}\n`;
}

function ringOf(secrets: ReadonlyMap<number, Buffer>, signingKeyId: number): KeyRing {
  const mac = (secret: Buffer, label: string, bytes: Uint8Array): Buffer =>
    createHmac('sha256', secret).update(`${label}\0`).update(bytes).digest();
  return {
    signingKeyId,
    sign(keyId, label, bytes) {
      const secret = secrets.get(keyId);
      if (secret === undefined) throw new TenancyError('bad-key-ring', `no key ${keyId}`);
      return mac(secret, label, bytes);
    },
    verify(keyId, label, bytes, given) {
      const secret = secrets.get(keyId);
      return secret !== undefined && given.length === MAC_BYTES && timingSafeEqual(mac(secret, label, bytes), given);
    },
  };
}

function parseKey(key: unknown): [number, Buffer] {
  const { id, secret } = (key ?? {}) as { id?: unknown; secret?: unknown };
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 255 || typeof secret !== 'string') {
    throw new TenancyError('bad-key-ring', 'id is 0..255, secret a text');
  }
  const bytes = Buffer.from(secret, 'base64url');
  if (bytes.length < LIMITS.minSecretBytes || bytes.length > LIMITS.maxSecretBytes) {
    throw new TenancyError('bad-key-ring', `a secret has ${LIMITS.minSecretBytes}..${LIMITS.maxSecretBytes} bytes`);
  }
  return [id, bytes];
}

/**
 * Payloads that clients write: exactly one of `json`, `text` and `base64`, or `null`, turned into bytes. (The way back
 * is `json-writer.ts`.)
 * Invariant: JSON keeps its meaning: numbers that a double cannot hold keep their digits (`json-text.ts`).
 */
import { GatewayError } from '../errors.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes that a client means; throws `bad-request`, naming `field`. */
export function payloadBytes(payload: unknown, field: string): Buffer | null {
  if (payload === null || payload === undefined) return null;
  const given = payload as { json?: unknown; text?: unknown; base64?: unknown };
  const kinds = typeof payload === 'object' ? Object.keys(payload) : [];
  if (kinds.length === 1 && kinds[0] === 'json') return Buffer.from(JSON.stringify(given.json), 'utf8');
  if (kinds.length === 1 && kinds[0] === 'text' && typeof given.text === 'string')
    return Buffer.from(given.text, 'utf8');
  if (kinds.length === 1 && kinds[0] === 'base64' && typeof given.base64 === 'string' && BASE64.test(given.base64)) {
    return Buffer.from(given.base64, 'base64');
  }
  throw new GatewayError('bad-request', `${field}: exactly one of json, text, base64, or null`);
}

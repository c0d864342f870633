/**
 * How bytes are shown to JSON clients, and read from them. A subscription does not name a format, so bytes are shown
 * as `json` if they are one JSON text in UTF-8, at most `maxJsonDepth` deep; else as `text` if they are UTF-8; else
 * as `base64`.
 * Invariant: JSON is embedded as it lies, byte for byte, so no number is rounded and no member lost.
 */
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { isJson } from '../json/json-scan.ts';
import { LIMITS } from '../limits.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The JSON text of a payload. */
export function showPayload(payload: Uint8Array | null): string {
  if (payload === null) return 'null';
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (!isUtf8(bytes)) return `{"base64":"${bytes.toString('base64')}"}`;
  const text = bytes.toString('utf8');
  if (startsLikeJson(bytes[0]) && isJson(bytes, LIMITS.maxJsonDepth)) return `{"json":${text}}`;
  return `{"text":${JSON.stringify(text)}}`;
}

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

/** Object, array, text, number, true, false, null, white space: anything else saves the scan. */
function startsLikeJson(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return '{["-0123456789tfn \t\r\n'.includes(String.fromCharCode(byte));
}

/**
 * Values that need more than a field's bytes: uuids as text, and the 64-bit integer that means "no limit".
 * Used by the compiled decoders and encoders and, for base64 uuids, by whatever shows ids to people as Kafka does.
 */
import { ProtocolError } from '../errors.ts';
import { UUID_CACHE_ENTRIES } from '../limits.ts';

/** 2^63−1 on the wire ("no limit"): the only 64-bit integer beyond ±2^53 that is let through, as this number. */
export const NO_LIMIT = 2 ** 63;

export const ZERO_UUID = '00000000-0000-0000-0000-000000000000';

const HEX = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BASE64URL = /^[A-Za-z0-9_-]{22}$/;

/** A uuid as Apache Kafka prints it: url-safe base64 without padding. */
export function uuidToBase64(uuid: string): string {
  if (!HEX.test(uuid)) throw new ProtocolError('invalid-value', `uuid ${JSON.stringify(uuid)}`);
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

export function uuidFromBase64(text: string): string {
  if (!BASE64URL.test(text)) throw new ProtocolError('invalid-value', `uuid ${JSON.stringify(text)}`);
  return uuidText(Buffer.from(text, 'base64url').toString('hex'));
}

function uuidText(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const HEX_DIGITS = Buffer.from('0123456789abcdef');
const uuidChars = Buffer.alloc(36, '-');

// A direct-mapped table of uuids seen lately: the same few topic ids come in every request, and text costs 200 ns.
const words = new Int32Array(UUID_CACHE_ENTRIES * 4);
const texts: string[] = Array.from({ length: UUID_CACHE_ENTRIES }, () => ZERO_UUID);

/** Reads 16 bytes at `at`, which the caller has checked to be there. */
export function readUuid(bytes: Buffer, at: number): string {
  const a = word(bytes, at);
  const b = word(bytes, at + 4);
  const c = word(bytes, at + 8);
  const d = word(bytes, at + 12);
  const slot = (Math.imul(a ^ (b << 5) ^ (c << 11) ^ d, 0x9e3779b1) >>> 16) & (UUID_CACHE_ENTRIES - 1);
  const first = slot * 4;
  if (words[first] !== a || words[first + 1] !== b || words[first + 2] !== c || words[first + 3] !== d) {
    words[first] = a;
    words[first + 1] = b;
    words[first + 2] = c;
    words[first + 3] = d;
    texts[slot] = flatText(bytes, at);
  }
  return texts[slot]!;
}

/** In one piece: text that is put together by V8 keeps its pieces. */
function flatText(bytes: Buffer, at: number): string {
  let to = 0;
  for (let from = at; from < at + 16; from++) {
    if (to === 8 || to === 13 || to === 18 || to === 23) to++;
    const byte = bytes[from]!;
    uuidChars[to++] = HEX_DIGITS[byte >> 4]!;
    uuidChars[to++] = HEX_DIGITS[byte & 15]!;
  }
  return uuidChars.toString('latin1');
}

function word(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Writes 16 bytes at `at`; text that is not a canonical uuid is refused. */
export function writeUuid(bytes: Buffer, at: number, uuid: string, field: string): void {
  if (typeof uuid !== 'string' || !HEX.test(uuid)) throw new ProtocolError('invalid-value', `${field}: uuid ${uuid}`);
  for (let from = 0, to = at; from < 36; from += 2) {
    if (uuid.charCodeAt(from) === 45) from++;
    bytes[to++] = (nibble(uuid.charCodeAt(from)) << 4) | nibble(uuid.charCodeAt(from + 1));
  }
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

/**
 * What compiled decoders call for everything that is not a plain load: varints, strings, the object budget, tags.
 * Each function checks what it needs against `end` first. A value of which the size varies is returned, and the
 * position behind it left in `cursor.p`; decoders run to completion, so one cursor serves all.
 */
import { ProtocolError, type ProtocolErrorCode } from '../errors.ts';
import {
  BASE_MEMORY_BYTES,
  MAX_MEMORY_BYTES,
  MAX_STRING_BYTES,
  MAX_TAGGED_FIELDS,
  MEMORY_PER_BYTE,
} from '../limits.ts';
import type { Role } from './schema.ts';
import { NO_LIMIT } from './values.ts';

/** Joined one by one, more characters than this are kept as a tree of their pieces. */
const MAX_FLAT_CHARS = 12;
/** Bytes that a text takes besides its characters, a slice of the message, and a list besides its elements. */
const TEXT_MEMORY = 20;
const SLICE_MEMORY = 112;
const LIST_MEMORY = 48;
const REFERENCE_MEMORY = 8;
const NOTHING = Buffer.alloc(0);

/** Position, and memory that the message may still take. */
export const cursor = { p: 0, budget: 0 };

export function fail(code: ProtocolErrorCode, field: string): never {
  throw new ProtocolError(code, field);
}

/** Gives the message that follows the memory that it may take, by its size. */
export function grantBudget(messageBytes: number, role: Role): void {
  cursor.budget = Math.min(MAX_MEMORY_BYTES[role], BASE_MEMORY_BYTES + messageBytes * MEMORY_PER_BYTE[role]);
}

/** Checks a count of array elements, each at least `minBytes` long and `cost` bytes of memory, before the allocation. */
export function checkCount(count: number, remaining: number, minBytes: number, cost: number, field: string): void {
  if (count * minBytes > remaining) fail('truncated', field);
  if ((cursor.budget -= LIST_MEMORY + count * cost) < 0) fail('too-many-objects', field);
}

/** A list without elements takes memory, too. */
export function emptyList(field: string): never[] {
  if ((cursor.budget -= LIST_MEMORY) < 0) fail('too-many-objects', field);
  return [];
}

/** Unsigned varint of at most 32 bits. */
export function uvarint(b: Buffer, p: number, end: number, field: string): number {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    if (p >= end) fail('truncated', field);
    const byte = b[p++]!;
    if (shift === 28 && byte > 15) fail('varint-too-long', field);
    value |= (byte & 127) << shift;
    if (byte < 128) {
      cursor.p = p;
      return value >>> 0;
    }
  }
  return fail('varint-too-long', field);
}

/**
 * `length` bytes of UTF-8 at `p`. Topic names are short and ASCII: those are faster without a call into C++, as long as V8
 * joins their characters into flat text.
 */
export function text(b: Buffer, p: number, length: number, end: number, field: string): string {
  if (length > end - p) fail('truncated', field);
  if (length > MAX_STRING_BYTES) fail('string-too-long', field);
  if (length === 0) return '';
  if ((cursor.budget -= TEXT_MEMORY + length) < 0) fail('too-many-objects', field);
  if (length > MAX_FLAT_CHARS) return b.toString('utf8', p, p + length);
  let value = '';
  for (let i = p; i < p + length; i++) {
    const byte = b[i]!;
    if (byte > 127) return b.toString('utf8', p, p + length);
    value += String.fromCharCode(byte);
  }
  return value;
}

export function slice(b: Buffer, p: number, length: number, end: number, field: string): Buffer {
  if (length > end - p) fail('truncated', field);
  if (length === 0) return NOTHING;
  if ((cursor.budget -= SLICE_MEMORY) < 0) fail('too-many-objects', field);
  return b.subarray(p, p + length);
}

/** Records: as a list, since whoever encodes may have them in several pieces. */
export function slices(b: Buffer, p: number, length: number, end: number, field: string): Buffer[] {
  if ((cursor.budget -= LIST_MEMORY + REFERENCE_MEMORY) < 0) fail('too-many-objects', field);
  return [slice(b, p, length, end, field)];
}

/** A 64-bit integer whose upper half says that it is beyond ±2^53. */
export function wideInt64(high: number, low: number, field: string): number {
  return high === 0x7fffffff && low === 0xffffffff ? NO_LIMIT : fail('unsafe-integer', field);
}

export function checkTagCount(count: number, field: string): void {
  if (count > MAX_TAGGED_FIELDS) fail('too-many-tags', field);
}

/** Skips a section of tagged fields of which none is known; `p` stands on its count. Returns the position behind. */
export function skipTags(b: Buffer, p: number, end: number, field: string): number {
  let count = uvarint(b, p, end, field);
  p = cursor.p;
  checkTagCount(count, field);
  for (let last = -1; count > 0; count--) {
    const tag = uvarint(b, p, end, field);
    if (tag <= last) fail('tag-order', field);
    last = tag;
    const size = uvarint(b, cursor.p, end, field);
    p = cursor.p;
    if (size > end - p) fail('truncated', field);
    p += size;
  }
  return p;
}

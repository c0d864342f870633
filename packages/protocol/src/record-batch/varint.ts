/**
 * Zigzag varints, and a cursor that reads them with bounds. Callers are the record reader and validator, for which a
 * cursor is the only object per batch. Invariant: nothing outside `[at, end)` is read, whatever the bytes say.
 */
import { RecordBatchError } from './errors.ts';

const TWO_32 = 2 ** 32;

export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** A varint of up to 32 bits (5 bytes). */
  int32(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) break;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    throw new RecordBatchError('corrupt-record', `varint at byte ${this.at} is too long`);
  }

  /** A varint of up to 64 bits (10 bytes); beyond ±2^53 it is an error. */
  int64(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    return this.int64Tail(low);
  }

  /** From the fifth byte on; the bits above the 28th are kept apart, as 32-bit arithmetic ends there. */
  private int64Tail(low: number): number {
    let high = 0;
    for (let place = 1; place < 2 ** 42; place *= 128) {
      const byte = this.byte();
      high += (byte & 0x7f) * place;
      if (byte < 0x80) return unzigzag(low, high);
    }
    throw new RecordBatchError('corrupt-record', `varint at byte ${this.at} is too long`);
  }

  byte(): number {
    if (this.at >= this.end) throw new RecordBatchError('corrupt-record', 'a field runs past the end');
    return this.bytes[this.at++]!;
  }

  /** Moves over `length` bytes and returns where they begin. */
  skip(length: number): number {
    if (length < 0 || length > this.end - this.at) {
      throw new RecordBatchError('corrupt-record', `${length} bytes where ${this.end - this.at} remain`);
    }
    const from = this.at;
    this.at += length;
    return from;
  }
}

/** A varint of at most three bytes as `raw << 2 | size`: the size, then the sign's bit, then the value. */
export const SIZE_MASK = 3;
export const SIGN_BIT = 4;
export const LONG_VARINT = 0;
export const MAX_SHORT_BYTES = 3;

/** Packed as said above, `LONG_VARINT` if it takes more bytes or goes beyond the end of `bytes`. */
export function shortVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return (first << 2) | 1;
  const second = bytes[at + 1]!;
  if (second < 0x80) return ((first & 0x7f) << 2) | (second << 9) | 2;
  const third = bytes[at + 2]!;
  return third < 0x80 ? ((first & 0x7f) << 2) | ((second & 0x7f) << 9) | (third << 16) | MAX_SHORT_BYTES : LONG_VARINT;
}

/** `high × 2^28 + low`, zigzag-decoded. */
function unzigzag(low: number, high: number): number {
  const half = high * 2 ** 27 + (low >>> 1);
  const value = (low & 1) === 0 ? half : -half - 1;
  if (!Number.isSafeInteger(value)) throw new RecordBatchError('unsafe-integer', 'varint');
  return value;
}

/** Bytes that `value` takes as a zigzag varint. */
export function varintBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  for (; rest >= 128; size++) rest = Math.floor(rest / 128);
  return size;
}

/** Writes `value` at `at` and returns the position behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  if (value >= -(2 ** 30) && value < 2 ** 30) {
    let small = (value << 1) ^ (value >> 31);
    for (; small > 127; small >>>= 7) bytes[next++] = (small & 0x7f) | 0x80;
    bytes[next++] = small;
    return next;
  }
  const zigzag = zigzagParts(value);
  let { low, high } = zigzag;
  while (high > 0 || low > 127) {
    bytes[next++] = (low & 0x7f) | 0x80;
    low = ((high % 128) * 2 ** 25 + (low >>> 7)) >>> 0;
    high = Math.floor(high / 128);
  }
  bytes[next++] = low;
  return next;
}

/** The zigzag form of a safe integer as two 32-bit halves (doubling may leave the safe range). */
function zigzagParts(value: number): { low: number; high: number } {
  const magnitude = value >= 0 ? value : -value - 1;
  const low = (((magnitude % TWO_32) * 2) % TWO_32) + (value >= 0 ? 0 : 1);
  return { low: low >>> 0, high: Math.floor(magnitude / 2 ** 31) };
}

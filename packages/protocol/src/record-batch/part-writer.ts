/**
 * Writes the records of one batch behind those of others, for `merge.ts`: at further offsets, and with another base
 * timestamp. Records whose deltas keep their sizes are copied together, and patched where they lie then.
 * Invariant: nothing outside of the payload is read and nothing behind `out` written, whatever the bytes say.
 */
import { Cursor, LONG_VARINT, SIGN_BIT, SIZE_MASK, shortVarint, varintBytes, writeVarint } from './varint.ts';

/** Where the part's first record comes to lie in the batch that is written, and what its timestamp deltas grow by. */
export interface PartPlace {
  readonly index: number;
  readonly shiftMs: number;
}

/** The records do not fit, or they are not what was announced. */
export const NOT_WRITTEN = -1;

/** Where in the source a varint gets another value of the same size, and that value in zigzag: two numbers each. */
const PATCHES = new Int32Array(4_096);
/** Of one record. */
const RECORD_PATCHES = 4;
/** Length, attributes, timestamp delta and offset delta of a record, if none takes more than three bytes; and at most. */
const SHORT_HEAD_BYTES = 10;
const MAX_HEAD_BYTES = 21;
/** Together with a delta of three bytes it stays within 30 bits. */
const MAX_SHORT_SHIFT_MS = 2 ** 28;

export class PartWriter {
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private readonly firstIndex: number;
  private readonly shiftMs: number;
  private readonly isShort: boolean;
  private readonly out: Uint8Array;
  private to: number;
  /** From here to where the writer stands, records are copied together. */
  private from: number;
  private patches = 0;

  /** `payload`: the plain records, and nothing else. */
  constructor(payload: Cursor, { index, shiftMs }: PartPlace, out: Uint8Array, to: number) {
    this.bytes = payload.bytes;
    this.from = payload.at;
    this.end = payload.end;
    this.firstIndex = index;
    this.shiftMs = shiftMs;
    this.isShort = Math.abs(shiftMs) < MAX_SHORT_SHIFT_MS;
    this.out = out;
    this.to = to;
  }

  /** Returns where in `out` what was written ends, or `NOT_WRITTEN`; throws `RecordBatchError` for what is no record. */
  write(count: number): number {
    let at = this.from;
    for (let index = 0; index < count && at !== NOT_WRITTEN; index++) {
      const next = this.isShort ? this.short(index, at) : LONG_VARINT;
      at = next === LONG_VARINT ? this.long(index, at) : next;
    }
    return at === this.end && this.flush(at) ? this.to : NOT_WRITTEN;
  }

  /** Returns where the next record begins; `LONG_VARINT` if this one is not of short varints. */
  private short(index: number, at: number): number {
    const { bytes, end, shiftMs } = this;
    if (at + SHORT_HEAD_BYTES > end) return LONG_VARINT;
    const length = shortVarint(bytes, at);
    const bodyAt = at + (length & SIZE_MASK);
    const next = bodyAt + (length >>> 3);
    const time = shortVarint(bytes, bodyAt + 1);
    const deltaAt = bodyAt + 1 + (time & SIZE_MASK);
    const delta = shortVarint(bytes, deltaAt);
    const restAt = deltaAt + (delta & SIZE_MASK);
    if (length === LONG_VARINT || (length & SIGN_BIT) !== 0 || time === LONG_VARINT || delta === LONG_VARINT)
      return LONG_VARINT;
    if (delta >>> 2 !== index << 1 || next > end || restAt > next) return NOT_WRITTEN;
    const offset = (this.firstIndex + index) << 1;
    const timestamp = shiftMs === 0 ? time >>> 2 : zigzag(unzigzag(time >>> 2) + shiftMs);
    const timeBytes = shiftMs === 0 ? time & SIZE_MASK : rawBytes(timestamp);
    const offsetBytes = rawBytes(offset);
    if (offsetBytes === (delta & SIZE_MASK) && timeBytes === (time & SIZE_MASK)) {
      if (this.patches + RECORD_PATCHES > PATCHES.length && !this.flush(at)) return NOT_WRITTEN;
      this.patch(deltaAt, offset);
      if (shiftMs !== 0) this.patch(bodyAt + 1, timestamp);
      return next;
    }
    if (!this.flush(at)) return NOT_WRITTEN;
    const { out } = this;
    let to = writeRaw(out, this.to, (1 + timeBytes + offsetBytes + next - restAt) << 1);
    out[to] = bytes[bodyAt]!;
    to = writeRaw(out, to + 1, timestamp);
    this.to = writeRaw(out, to, offset);
    this.from = restAt;
    return next;
  }

  /** The same for any record. */
  private long(index: number, at: number): number {
    const { bytes, out } = this;
    const cursor = new Cursor(bytes, at, this.end);
    const length = cursor.int32();
    const next = cursor.skip(length) + length;
    cursor.at = next - length;
    const attributes = cursor.byte();
    const timestamp = cursor.int64() + this.shiftMs;
    if (cursor.int32() !== index || cursor.at > next || !Number.isSafeInteger(timestamp)) return NOT_WRITTEN;
    if (!this.flush(at)) return NOT_WRITTEN;
    const offset = this.firstIndex + index;
    let to = writeVarint(out, this.to, 1 + varintBytes(timestamp) + varintBytes(offset) + next - cursor.at);
    out[to] = attributes;
    to = writeVarint(out, to + 1, timestamp);
    this.to = writeVarint(out, to, offset);
    this.from = cursor.at;
    return next;
  }

  private patch(at: number, raw: number): void {
    PATCHES[this.patches] = at;
    PATCHES[this.patches + 1] = raw;
    this.patches += 2;
  }

  /** Copies what lies before `at`; leaves room for one more head. False: there is none. */
  private flush(at: number): boolean {
    const { bytes, out, from, to } = this;
    if (to + (at - from) + MAX_HEAD_BYTES > out.length) return false;
    if (at > from) out.set(new Uint8Array(bytes.buffer, bytes.byteOffset + from, at - from), to);
    const moved = to - from;
    for (let each = 0; each < this.patches; each += 2) writeRaw(out, PATCHES[each]! + moved, PATCHES[each + 1]!);
    this.patches = 0;
    this.from = at;
    this.to = at + moved;
    return true;
  }
}

const zigzag = (value: number): number => (value << 1) ^ (value >> 31);
const unzigzag = (raw: number): number => (raw >>> 1) ^ -(raw & 1);

/** Of a value in zigzag. */
function rawBytes(raw: number): number {
  if (raw >>> 7 === 0) return 1;
  if (raw >>> 14 === 0) return 2;
  if (raw >>> 21 === 0) return 3;
  return raw >>> 28 === 0 ? 4 : 5;
}

function writeRaw(out: Uint8Array, at: number, raw: number): number {
  let next = at;
  let rest = raw;
  for (; rest >>> 7 !== 0; rest >>>= 7) out[next++] = (rest & 0x7f) | 0x80;
  out[next++] = rest;
  return next;
}

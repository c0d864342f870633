/**
 * Writes the records of one batch behind those of others, for `merge.ts`: at further offsets, and with another base
 * timestamp. They are copied to the end of what is free, changed there where a delta keeps its size, and moved to their
 * place in runs as long as possible: a run ends with a record that becomes longer or shorter.
 *
 *     out   … written before ][ moved, done |      free      | still to be looked at ]
 *                                           ↑ to             ↑ from … at             ↑ end
 *
 * Invariant: `to` never overtakes `from`, so nothing is overwritten unread, and nothing behind `out` is written.
 */
import { Cursor, LONG_VARINT, SIGN_BIT, SIZE_MASK, shortVarint, varintBytes, writeVarint } from './varint.ts';

/** Where the part's first record comes to lie in the batch that is written, and what its timestamp deltas grow by. */
export interface PartPlace {
  readonly index: number;
  readonly shiftMs: number;
}

/** The records do not fit, or they are not what was announced. */
export const NOT_WRITTEN = -1;

/** Length, attributes, timestamp delta and offset delta of a record, if none takes more than three bytes. */
const SHORT_HEAD_BYTES = 10;
/** Together with a delta of three bytes it stays within 30 bits. */
const MAX_SHORT_SHIFT_MS = 2 ** 28;

export class PartWriter {
  private readonly out: Uint8Array;
  private readonly end: number;
  private readonly firstIndex: number;
  private readonly shiftMs: number;
  private to: number;
  private from: number;

  /** `payload`: the plain records, and nothing else. They come to lie from `to` on. */
  constructor({ bytes, at, end }: Cursor, { index, shiftMs }: PartPlace, out: Uint8Array, to: number) {
    this.out = out;
    this.end = out.length;
    this.firstIndex = index;
    this.shiftMs = shiftMs;
    this.to = to;
    this.from = out.length - (end - at);
    if (this.from >= to) out.set(new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at), this.from);
  }

  /** Returns where in `out` what was written ends, or `NOT_WRITTEN`; throws `RecordBatchError` for what is no record. */
  write(count: number): number {
    if (this.from < this.to) return NOT_WRITTEN;
    const isShort = Math.abs(this.shiftMs) < MAX_SHORT_SHIFT_MS;
    let at = this.from;
    for (let index = 0; index < count && at !== NOT_WRITTEN; index++) {
      const next = isShort ? this.short(index, at) : LONG_VARINT;
      at = next === LONG_VARINT ? this.long(index, at) : next;
    }
    if (at !== this.end) return NOT_WRITTEN;
    this.move(at);
    return this.to;
  }

  /** Returns where the next record begins; `LONG_VARINT` if this one is not of short varints. */
  private short(index: number, at: number): number {
    const { out, end, shiftMs } = this;
    if (at + SHORT_HEAD_BYTES > end) return LONG_VARINT;
    const length = shortVarint(out, at);
    const bodyAt = at + (length & SIZE_MASK);
    const next = bodyAt + (length >>> 3);
    const time = shortVarint(out, bodyAt + 1);
    const deltaAt = bodyAt + 1 + (time & SIZE_MASK);
    const delta = shortVarint(out, deltaAt);
    const restAt = deltaAt + (delta & SIZE_MASK);
    if (length === LONG_VARINT || time === LONG_VARINT || delta === LONG_VARINT) return LONG_VARINT;
    if ((length & SIGN_BIT) !== 0 || delta >>> 2 !== index << 1 || next > end || restAt > next) return NOT_WRITTEN;
    const offset = (this.firstIndex + index) << 1;
    const timestamp = shiftMs === 0 ? time >>> 2 : zigzag(unzigzag(time >>> 2) + shiftMs);
    const timeBytes = shiftMs === 0 ? time & SIZE_MASK : rawBytes(timestamp);
    const offsetBytes = rawBytes(offset);
    if (offsetBytes === (delta & SIZE_MASK) && timeBytes === (time & SIZE_MASK)) {
      if (shiftMs !== 0) writeRaw(out, bodyAt + 1, timestamp);
      writeRaw(out, deltaAt, offset);
      return next;
    }
    const attributes = out[bodyAt]!;
    const newLength = (1 + timeBytes + offsetBytes + next - restAt) << 1;
    this.move(at);
    const { to } = this;
    const endOfHead = to + rawBytes(newLength) + 1 + timeBytes + offsetBytes;
    if (endOfHead > restAt) return NOT_WRITTEN;
    const attributesAt = writeRaw(out, to, newLength);
    out[attributesAt] = attributes;
    writeRaw(out, writeRaw(out, attributesAt + 1, timestamp), offset);
    this.to = endOfHead;
    this.from = restAt;
    return next;
  }

  /** The same for any record. */
  private long(index: number, at: number): number {
    const { out } = this;
    const cursor = new Cursor(out, at, this.end);
    const length = cursor.int32();
    const next = cursor.skip(length) + length;
    cursor.at = next - length;
    const attributes = cursor.byte();
    const timestamp = cursor.int64() + this.shiftMs;
    if (cursor.int32() !== index || cursor.at > next || !Number.isSafeInteger(timestamp)) return NOT_WRITTEN;
    const offset = this.firstIndex + index;
    const headBytes = 1 + varintBytes(timestamp) + varintBytes(offset);
    const newLength = headBytes + next - cursor.at;
    this.move(at);
    const { to } = this;
    const endOfHead = to + varintBytes(newLength) + headBytes;
    if (endOfHead > cursor.at) return NOT_WRITTEN;
    const attributesAt = writeVarint(out, to, newLength);
    out[attributesAt] = attributes;
    writeVarint(out, writeVarint(out, attributesAt + 1, timestamp), offset);
    this.to = endOfHead;
    this.from = cursor.at;
    return next;
  }

  /** The run that ends at `at` goes to its place. */
  private move(at: number): void {
    const { from, to } = this;
    if (to !== from) this.out.copyWithin(to, from, at);
    this.to = to + at - from;
    this.from = at;
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

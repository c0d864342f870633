/**
 * Where compiled encoders write: an arena from which messages are cut one after the other, without a copy. A message
 * that outgrows its chunk moves to a larger one. `records` are not written but noted as cuts, between which `finish`
 * slices the arena. Invariant: a message that fails half-way leaves the arena as it was.
 */
import { ProtocolError } from '../errors.ts';
import { ENCODE_ARENA_BYTES, MAX_STRING_BYTES } from '../limits.ts';
import { NO_LIMIT } from './values.ts';

/** One place where buffers of others go between two slices of ours. */
interface Cut {
  readonly at: number;
  readonly buffers: readonly Buffer[];
}

class Writer {
  /** The chunk being written; encoders keep it in a local and fetch it anew after every call that may grow it. */
  b: Buffer = Buffer.allocUnsafeSlow(ENCODE_ARENA_BYTES);
  private start = 0;
  private cuts: Cut[] = [];
  private cutBytes = 0;

  /** Begins a message with `headBytes` of room that the caller fills; returns the position behind them. */
  begin(headBytes: number): number {
    if (this.cuts.length > 0) this.cuts = [];
    this.cutBytes = 0;
    if (this.b.length - this.start < headBytes) this.renew(0, ENCODE_ARENA_BYTES);
    return this.start + headBytes;
  }

  /** The first byte of the message being written. */
  get head(): number {
    return this.start;
  }

  /** Makes room for `size` bytes at `p`; returns where `p` is now. */
  reserve(p: number, size: number): number {
    if (this.b.length - p >= size) return p;
    const written = p - this.start;
    this.renew(written, Math.max(ENCODE_ARENA_BYTES, (written + size) * 2));
    return written;
  }

  private renew(written: number, size: number): void {
    const next = Buffer.allocUnsafeSlow(size);
    this.b.copy(next, 0, this.start, this.start + written);
    // Cuts count from the message's start, so they hold in the new chunk too.
    this.b = next;
    this.start = 0;
  }

  /** Notes that `buffers` belong at `p`; returns their size. */
  cut(p: number, buffers: readonly Buffer[], size: number): void {
    if (size === 0) return;
    this.cuts.push({ at: p - this.start, buffers });
    this.cutBytes += size;
  }

  /** Bytes of the message ended at `p`, with what was cut in. */
  totalBytes(p: number): number {
    return p - this.start + this.cutBytes;
  }

  /** Ends the message at `p`: the gather list of our slices and the buffers between them. */
  finish(p: number): Buffer[] {
    const list: Buffer[] = [];
    let from = this.start;
    for (const { at, buffers } of this.cuts) {
      const to = this.start + at;
      if (to > from) list.push(this.b.subarray(from, to));
      for (const buffer of buffers) if (buffer.length > 0) list.push(buffer);
      from = to;
    }
    if (p > from) list.push(this.b.subarray(from, p));
    this.start = p;
    // What a huge message needed is not kept as the arena.
    if (this.b.length > ENCODE_ARENA_BYTES) this.renew(0, ENCODE_ARENA_BYTES);
    return list;
  }
}

export const writer = new Writer();

export function refuse(field: string, value: unknown): never {
  throw new ProtocolError('invalid-value', `${field} = ${typeof value === 'object' ? typeof value : String(value)}`);
}

export function refuseNull(field: string): never {
  throw new ProtocolError('null-not-allowed', field);
}

export function refuseField(field: string): never {
  throw new ProtocolError('unsupported-field', field);
}

/** Upper half of a 64-bit integer outside 32 bits; checks that it is exact. */
export function highHalf(value: number, field: string): number {
  if (value >= -9007199254740992 && value < 9007199254740992 && Math.floor(value) === value) {
    return Math.floor(value / 4294967296);
  }
  if (value === NO_LIMIT) return 0x7fffffff;
  if (typeof value === 'number' && Number.isInteger(value)) throw new ProtocolError('unsafe-integer', field);
  return refuse(field, value);
}

export function lowHalf(value: number): number {
  return value === NO_LIMIT ? -1 : value | 0;
}

/** Writes an unsigned varint where at least five bytes are free. */
export function putUvarint(b: Buffer, p: number, value: number): number {
  while (value > 127) {
    b[p++] = (value & 127) | 128;
    value >>>= 7;
  }
  b[p++] = value;
  return p;
}

/** Writes a length or count (−1 for null): compact, or in `width` bytes. Five bytes must be free. */
export function putLength(b: Buffer, p: number, length: number, width: number): number {
  if (width === 0) return putUvarint(b, p, length + 1);
  if (width === 2) return b.writeInt16BE(length, p);
  return b.writeInt32BE(length, p);
}

/** Writes a string with its length; `width` 0 means compact. */
export function putString(p: number, value: string, width: number, field: string): number {
  if (typeof value !== 'string') return refuse(field, value);
  const most = value.length * 3;
  p = writer.reserve(p, most + 5);
  const b = writer.b;
  // The length's own width is known before the bytes are if even the longest encoding fits into it.
  const head = width > 0 ? width : most < 127 ? 1 : 0;
  if (head > 0) {
    const size = putText(b, p + head, value);
    if (size > MAX_STRING_BYTES) throw new ProtocolError('string-too-long', field);
    putLength(b, p, size, width);
    return p + head + size;
  }
  const size = Buffer.byteLength(value);
  if (size > MAX_STRING_BYTES) throw new ProtocolError('string-too-long', field);
  p = putUvarint(b, p, size + 1);
  return p + b.write(value, p, size, 'utf8');
}

function putText(b: Buffer, p: number, value: string): number {
  if (value.length > 16) return b.write(value, p, value.length * 3, 'utf8');
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 127) return b.write(value, p, value.length * 3, 'utf8');
    b[p + i] = code;
  }
  return value.length;
}

export function putBytes(p: number, value: Uint8Array, width: number, field: string): number {
  if (!(value instanceof Uint8Array)) return refuse(field, value);
  p = writer.reserve(p, value.length + 5);
  p = putLength(writer.b, p, value.length, width);
  writer.b.set(value, p);
  return p + value.length;
}

export function putRecords(p: number, value: readonly Buffer[], width: number, field: string): number {
  if (!Array.isArray(value)) return refuse(field, value);
  let size = 0;
  for (const buffer of value as readonly Buffer[]) size += buffer.length;
  p = writer.reserve(p, 5);
  p = putLength(writer.b, p, size, width);
  writer.cut(p, value, size);
  return p;
}

/** Closes a tagged field of which the bytes stand from `start` to `p`, behind one byte kept for the size. */
export function sealTag(start: number, p: number): number {
  const size = p - start;
  if (size < 128) {
    writer.b[start - 1] = size;
    return p;
  }
  const extra = size < 16_384 ? 1 : size < 2_097_152 ? 2 : size < 268_435_456 ? 3 : 4;
  const from = start - writer.head;
  p = writer.reserve(p, extra);
  const moved = writer.head + from;
  writer.b.copyWithin(moved + extra, moved, p);
  putUvarint(writer.b, moved - 1, size);
  return p + extra;
}

/**
 * Goes over the records of one batch and checks their structure, for `validateRecords`. Records as producers mostly send
 * them take a fast path, which only ever accepts; everything else, damage included, is told by the careful one.
 * Invariant: nothing outside of the payload counts, and both paths accept the same records.
 */
import { RecordBatchError } from './errors.ts';
import { type Cursor, LONG_VARINT, MAX_SHORT_BYTES, SIGN_BIT, SIZE_MASK, shortVarint } from './varint.ts';

/** −1 in zigzag: no key, no value. */
const MINUS_ONE = 1;
/** Length, attributes, timestamp, offset and key length at their longest, and a bit. */
const PLAIN_HEAD_BYTES = 16;

const isNoLength = (packed: number): boolean => packed === LONG_VARINT || (packed & SIGN_BIT) !== 0;

/** Where the walk stands, and what it has gathered. */
export class RecordWalk {
  private readonly cursor: Cursor;
  private readonly offsets: 'dense' | 'ascending' | 'any';
  offsetDelta = -1;
  minDelta = Number.POSITIVE_INFINITY;
  maxDelta = Number.NEGATIVE_INFINITY;
  maxDeltaAt = 0;
  keyless = 0;
  isDense = true;
  constructor(cursor: Cursor, offsets: 'dense' | 'ascending' | 'any') {
    this.cursor = cursor;
    this.offsets = offsets;
  }

  run(count: number): void {
    for (let left = count; left > 0; left--) {
      left -= this.runPlain(left);
      if (left > 0) this.next();
    }
  }

  /**
   * Goes over as many of `most` records as are plain (short varints, the next offset, no headers, not the last bytes) without a call
   * for each field, and returns how many they were. What is not plain, or is wrong, is left to `next`.
   */
  private runPlain(most: number): number {
    const { bytes, end } = this.cursor;
    let from = this.cursor.at;
    let done = 0;
    for (const last = end - PLAIN_HEAD_BYTES; done < most && from <= last; done++) {
      const length = shortVarint(bytes, from);
      let at = from + (length & SIZE_MASK);
      const next = at + (length >>> 3);
      if (isNoLength(length) || next > end - MAX_SHORT_BYTES) break;
      const timestamp = shortVarint(bytes, ++at);
      at += timestamp & SIZE_MASK;
      const offset = shortVarint(bytes, at);
      at += offset & SIZE_MASK;
      const key = shortVarint(bytes, at);
      if (timestamp === LONG_VARINT || isNoLength(offset)) break;
      const isKeyless = key >>> 2 === MINUS_ONE;
      at += key & SIZE_MASK;
      if (!isKeyless) {
        if (isNoLength(key)) break;
        at += key >>> 3;
      }
      if (at >= next) break;
      const value = shortVarint(bytes, at);
      at += value & SIZE_MASK;
      if (value >>> 2 !== MINUS_ONE) {
        if (isNoLength(value)) break;
        at += value >>> 3;
      }
      // What is left is the count of headers.
      if (at !== next - 1 || bytes[at] !== 0 || offset >>> 3 !== this.offsetDelta + 1) break;
      this.offsetDelta++;
      this.noteTimestamp((timestamp >>> 3) ^ -((timestamp >>> 2) & 1));
      if (isKeyless) this.keyless++;
      from = next;
    }
    this.cursor.at = from;
    return done;
  }

  private next(): void {
    const cursor = this.cursor;
    const length = cursor.int32();
    const from = cursor.skip(length);
    cursor.at = from;
    cursor.byte(); // attributes: none are defined
    const timestampDelta = cursor.int64();
    this.advance(cursor.int32());
    this.noteTimestamp(timestampDelta);
    if (skipBytes(cursor) === -1) this.keyless++;
    skipBytes(cursor);
    skipHeaders(cursor);
    if (cursor.at !== from + length) throw new RecordBatchError('corrupt-record', `record of ${length} bytes`);
  }

  private advance(offsetDelta: number): void {
    const least = this.offsetDelta + 1;
    if (offsetDelta === least || this.offsets === 'any') {
      this.isDense &&= offsetDelta === least;
      this.offsetDelta = least;
    } else this.leap(offsetDelta, least);
  }

  private leap(offsetDelta: number, least: number): void {
    if (offsetDelta < least || this.offsets === 'dense') {
      throw new RecordBatchError('corrupt-record', `offset delta ${offsetDelta} after ${this.offsetDelta}`);
    }
    this.isDense = false;
    this.offsetDelta = offsetDelta;
  }

  private noteTimestamp(delta: number): void {
    if (delta < this.minDelta) this.minDelta = delta;
    if (delta > this.maxDelta) {
      this.maxDelta = delta;
      this.maxDeltaAt = this.offsetDelta;
    }
  }
}

function skipBytes(cursor: Cursor): number {
  const length = cursor.int32();
  if (length !== -1) cursor.skip(length);
  return length;
}

function skipHeaders(cursor: Cursor): void {
  const count = cursor.int32();
  if (count < 0) throw new RecordBatchError('corrupt-record', `${count} headers`);
  for (let index = 0; index < count; index++) {
    if (skipBytes(cursor) === -1) throw new RecordBatchError('corrupt-record', 'a header without a key');
    skipBytes(cursor);
  }
}

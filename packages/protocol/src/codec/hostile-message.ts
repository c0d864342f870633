/**
 * Messages that follow their schema up to a point: counts, lengths, tags and sizes that lie, values on their edges, and
 * lists that hold as many of the smallest elements as fit. For the fuzzers of whatever is declared in the schema language.
 * Invariant: the same draws give the same bytes.
 */
import { FIXED_BYTES, isCompact, isNullable, plainFields, taggedFields, type Version } from './field-facts.ts';
import type { Field, Fields, Schema } from './schema.ts';

/** A whole number below the given one. */
export type Draw = (below: number) => number;

/** One length in so many is a lie. */
const LIE_EVERY = 24;
const MAX_ELEMENTS = 4;
const MAX_TEXT_BYTES = 20;
const EDGES = [0, 1, -1, -2, 127, 128, 32_767, -32_768, 2 ** 31 - 1, -(2 ** 31)];

/** `fillBytes`: about so much goes into lists of the smallest elements. */
export function hostileMessage(schema: Schema, version: number, draw: Draw, fillBytes = 0): Buffer {
  const liar = new Liar({ number: version, flexible: version >= schema.flexibleFrom }, draw);
  liar.fillBytes = fillBytes;
  // One lie among ten thousand elements would end the reading of most: what is long is mostly true.
  liar.isHonest = fillBytes > 0 && draw(8) > 0;
  liar.struct(schema.fields);
  return liar.bytes();
}

class Liar {
  fillBytes = 0;
  isHonest = false;
  private readonly version: Version;
  private readonly draw: Draw;
  private out = Buffer.alloc(256);
  private at = 0;
  /** Inside a list that is filled up. */
  private isSmall = false;
  /** Length of what `prefix` puts something before. */
  private pending = 0;
  /** Of texts and lists in there: an empty one may be shared, one of a byte takes the most for its size. */
  private readonly smallSize: number;

  constructor(version: Version, draw: Draw) {
    this.version = version;
    this.draw = draw;
    this.smallSize = draw(3);
  }

  bytes(): Buffer {
    return Buffer.from(this.out.subarray(0, this.at));
  }

  struct(fields: Fields): void {
    for (const [, field] of plainFields(fields, this.version)) this.value(field);
    if (this.version.flexible) this.tags(fields);
  }

  private value(field: Field): void {
    const isNull = isNullable(field, this.version) && this.draw(6) === 0;
    if (field.kind in FIXED_BYTES) this.fixed(FIXED_BYTES[field.kind]!);
    else if (field.kind === 'struct') this.nested(field, isNull);
    else if (isNull) this.length(field, -1);
    else if (field.kind === 'array') this.list(field);
    else this.text(field);
  }

  private fixed(width: number): void {
    const edge = BigInt(EDGES[this.draw(EDGES.length)]!);
    const value = width === 8 && this.draw(8) === 0 ? 2n ** 63n - 1n : edge;
    this.reserve(width);
    for (let i = 0; i < width; i++) this.out[this.at + i] = Number((value >> BigInt(8 * (width - 1 - i))) & 255n);
    this.at += width;
  }

  private nested(field: Field, isNull: boolean): void {
    if (isNullable(field, this.version)) this.put(isNull ? 255 : this.lies(LIE_EVERY) ? 7 : 1);
    if (!isNull) this.struct(field.fields!);
  }

  private list(field: Field): void {
    const isFilled = !this.isSmall && this.fillBytes > 0 && this.draw(2) === 0;
    const wasSmall = this.isSmall;
    const from = this.at;
    let count = 0;
    if (isFilled) {
      this.isSmall = true;
      const until = this.at + this.fillBytes;
      this.fillBytes = 0;
      for (; this.at < until; count++) this.value(field.item!);
      this.isSmall = wasSmall;
    } else {
      for (let left = this.isSmall ? this.smallSize : this.draw(MAX_ELEMENTS); left > 0; left--, count++)
        this.value(field.item!);
    }
    this.prefix(from, () => this.length(field, count));
  }

  private text(field: Field): void {
    const size = this.isSmall ? this.smallSize : this.draw(MAX_TEXT_BYTES);
    this.length(field, size);
    this.reserve(size);
    for (let i = 0; i < size; i++) this.out[this.at++] = this.draw(10) === 0 ? this.draw(256) : 97 + this.draw(26);
  }

  /** A length or count as it is, or as it is not. */
  private length(field: Field, honest: number): void {
    const lies = [-1, -2, honest + 1, honest * 2 + 1, 32_767, 2 ** 31 - 1];
    const value = this.lies(LIE_EVERY) ? lies[this.draw(lies.length)]! : honest;
    if (isCompact(field, this.version)) return this.uvarint((value + 1) >>> 0);
    const width = field.kind === 'string' ? 2 : 4;
    this.reserve(width);
    if (width === 2) this.out.writeInt16BE((value << 16) >> 16, this.at);
    else this.out.writeInt32BE(value, this.at);
    this.at += width;
  }

  private tags(fields: Fields): void {
    const known = taggedFields(fields, this.version).filter(() => this.draw(2) === 0);
    const unknown = this.draw(12) === 0 ? 1 + this.draw(3) : 0;
    this.uvarint(this.lies(LIE_EVERY * 4) ? this.draw(2 ** 31) : known.length + unknown);
    for (const [, field] of known) {
      this.uvarint(field.options.tag!);
      const from = this.at;
      this.value(field);
      this.prefix(from, () => this.uvarint(this.lies(LIE_EVERY) ? this.draw(300) : this.pending));
    }
    for (let i = 0; i < unknown; i++) {
      this.uvarint(20_000 + (this.lies(6) ? 0 : i));
      this.uvarint(1);
      this.put(this.draw(256));
    }
  }

  private lies(every: number): boolean {
    return this.draw(every) === 0 && !this.isHonest;
  }

  /** Puts what `write` writes before what stands from `from` on. */
  private prefix(from: number, write: () => void): void {
    const behind = Buffer.from(this.out.subarray(from, this.at));
    this.at = from;
    this.pending = behind.length;
    write();
    this.reserve(behind.length);
    behind.copy(this.out, this.at);
    this.at += behind.length;
  }

  private uvarint(value: number): void {
    for (; value > 127; value >>>= 7) this.put((value & 127) | 128);
    this.put(value);
  }

  private put(byte: number): void {
    this.reserve(1);
    this.out[this.at++] = byte;
  }

  private reserve(size: number): void {
    if (this.out.length - this.at >= size) return;
    this.out = Buffer.concat([this.out], (this.at + size) * 2);
  }
}

/**
 * The classic structs of Kafka's `Schema` class, in which MirrorMaker 2 writes its records: big-endian integers, and
 * texts behind an int16 of their length. Used by the codecs beside it.
 * Invariant: nothing is read beyond the end; a struct that is cut short, or holds an integer beyond ±2^53, is undefined.
 */
const MAX_TEXT_BYTES = 0x7fff;

/** Writes fields in the order of the calls. */
export class StructWriter {
  private readonly parts: Buffer[] = [];

  int16(value: number): this {
    const part = Buffer.allocUnsafe(2);
    part.writeInt16BE(value);
    return this.add(part);
  }

  int32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeInt32BE(value);
    return this.add(part);
  }

  int64(value: number): this {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no exact int64`);
    const part = Buffer.allocUnsafe(8);
    part.writeBigInt64BE(BigInt(value));
    return this.add(part);
  }

  /** Throws a `RangeError` beyond 32,767 bytes: names and metadata are checked before they come here. */
  text(value: string): this {
    const bytes = Buffer.from(value, 'utf8');
    if (bytes.length > MAX_TEXT_BYTES) throw new RangeError(`a text of ${bytes.length} bytes`);
    return this.int16(bytes.length).add(bytes);
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  private add(part: Buffer): this {
    this.parts.push(part);
    return this;
  }
}

/** Reads fields in the order of the calls. After the first that is not there, `isSound` is false and all are 0 or ''. */
export class StructReader {
  isSound = true;
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int16(): number {
    return this.has(2) ? this.bytes.readInt16BE(this.at - 2) : 0;
  }

  int32(): number {
    return this.has(4) ? this.bytes.readInt32BE(this.at - 4) : 0;
  }

  int64(): number {
    const value = this.has(8) ? Number(this.bytes.readBigInt64BE(this.at - 8)) : 0;
    if (!Number.isSafeInteger(value)) this.isSound = false;
    return this.isSound ? value : 0;
  }

  text(): string {
    const length = this.int16();
    return this.has(length) ? this.bytes.toString('utf8', this.at - length, this.at) : '';
  }

  private has(length: number): boolean {
    this.isSound &&= length >= 0 && this.at + length <= this.bytes.length;
    if (this.isSound) this.at += length;
    return this.isSound;
  }
}

/** A record's key and value; a value that is missing deletes the key. */
export interface KeyValue {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** As a consumer has it. */
export interface StoredKeyValue {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/**
 * LZ4 frames (LZ4 Frame Format 1.6), as Java clients and librdkafka write them, without native code. The decoder checks
 * every length before it copies; checksums inside the frame are not verified, as the batch has its own.
 */
import { RecordBatchError } from '../record-batch/record-batch.ts';
import { xxHash32 } from './xx-hash32.ts';

const corrupt = (why: string): RecordBatchError => new RecordBatchError('corrupt-compression', `lz4: ${why}`);

const MAGIC = 0x184d2204;
const FLAG = {
  version: 0xc0,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
};
/** Block size of what we write: 64 KiB (id 4), the default of Kafka's Java client. */
const BLOCK_BYTES = 65_536;
const BLOCK_SIZE_ID = 4;
const UNCOMPRESSED = 0x80000000;
/** Most that a compressed byte can become. */
const MAX_RATIO = 255;
/** From this length on a match that overlaps itself is copied in pieces. */
const LONG_MATCH = 64;
/** Largest block of a frame by its id, 4 to 7. */
const blockMaximum = (id: number): number => 1 << (8 + 2 * id);

/** One frame of independent blocks without checksums. */
export function lz4Compress(bytes: Uint8Array): Uint8Array {
  const header = Buffer.alloc(7);
  header.writeUInt32LE(MAGIC);
  header[4] = 0x40 | FLAG.independent;
  header[5] = BLOCK_SIZE_ID << 4;
  header[6] = (xxHash32(header.subarray(4, 6)) >>> 8) & 0xff;
  const parts: Uint8Array[] = [header];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = bytes.subarray(at, at + BLOCK_BYTES);
    const packed = compressBlock(block);
    const length = Buffer.alloc(4);
    if (packed === undefined) length.writeUInt32LE((block.length | UNCOMPRESSED) >>> 0);
    else length.writeUInt32LE(packed.length);
    parts.push(length, packed ?? block);
  }
  parts.push(Buffer.alloc(4));
  return Buffer.concat(parts);
}

/** Decodes the frame, or several one behind another. */
export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const frames = lz4Frames(bytes, maxBytes);
  for (;;) {
    const { done, value } = frames.next();
    if (done) return value;
  }
}

/** The same, stopping behind each frame, for who must not be busy for as long as all of them take. */
export function* lz4Frames(bytes: Uint8Array, maxBytes: number): Generator<void, Uint8Array> {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const output = new Output(maxBytes, Math.min(maxBytes, input.length * 4));
  for (let at = 0; at < input.length; ) {
    at = decodeFrame(input, at, output);
    yield;
  }
  return output.bytes();
}

/** Decodes one frame and returns where it ends. */
function decodeFrame(input: Buffer, start: number, output: Output): number {
  if (input.length - start < 7) throw corrupt('the frame header is cut off');
  if (input.readUInt32LE(start) !== MAGIC) throw corrupt('no frame');
  const flags = input[start + 4]!;
  if ((flags & FLAG.version) !== 0x40 || (flags & FLAG.dictionary) !== 0) throw corrupt('version or dictionary');
  const blockId = (input[start + 5]! >> 4) & 7;
  if (blockId < 4) throw corrupt(`block size ${blockId}`);
  const frameFrom = output.length;
  let at = start + 7 + (flags & FLAG.contentSize ? 8 : 0);
  for (;;) {
    if (input.length - at < 4) throw corrupt('a block length is cut off');
    const word = input.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const size = word & 0x7fffffff;
    if (size > blockMaximum(blockId) || size > input.length - at) throw corrupt(`a block of ${size} bytes`);
    const windowFrom = flags & FLAG.independent ? output.length : frameFrom;
    if (word >= UNCOMPRESSED) output.literal(input, at, size);
    else decodeBlock(input, at, at + size, output, windowFrom, blockMaximum(blockId));
    at += size + (flags & FLAG.blockChecksum ? 4 : 0);
  }
  at += flags & FLAG.contentChecksum ? 4 : 0;
  if (at > input.length) throw corrupt('a checksum is cut off');
  return at;
}

function decodeBlock(
  input: Buffer,
  from: number,
  end: number,
  output: Output,
  windowFrom: number,
  maximum: number,
): void {
  const limit = output.length + Math.min(maximum, (end - from) * MAX_RATIO);
  const cursor = { at: from };
  while (cursor.at < end) {
    const token = input[cursor.at++]!;
    const literals = readLength(input, cursor, end, token >> 4);
    if (literals > end - cursor.at || output.length + literals > limit) throw corrupt('literals run over');
    output.literal(input, cursor.at, literals);
    cursor.at += literals;
    if (cursor.at === end) return;
    if (end - cursor.at < 2) throw corrupt('a distance is cut off');
    const distance = input.readUInt16LE(cursor.at);
    cursor.at += 2;
    const length = readLength(input, cursor, end, token & 15) + 4;
    if (distance === 0 || distance > output.length - windowFrom || output.length + length > limit) {
      throw corrupt('a match reaches outside');
    }
    output.match(distance, length);
  }
}

function readLength(input: Buffer, cursor: { at: number }, end: number, nibble: number): number {
  let length = nibble;
  if (nibble !== 15) return length;
  for (;;) {
    if (cursor.at >= end) throw corrupt('a length is cut off');
    const byte = input[cursor.at++]!;
    length += byte;
    if (byte !== 255) return length;
  }
}

/** A match that reaches into what it makes: long ones copy twice as much each time. */
function repeat(buffer: Buffer, to: number, distance: number, length: number): void {
  const head = length < LONG_MATCH ? length : Math.min(length, distance);
  for (let at = to; at < to + head; at++) buffer[at] = buffer[at - distance]!;
  for (let made = head; made < length; made *= 2) {
    buffer.copyWithin(to + made, to, to + Math.min(made, length - made));
  }
}

/** The bytes made so far: grows by doubling, never beyond the bound. */
class Output {
  length = 0;
  private buffer: Buffer;
  private readonly maxBytes: number;
  constructor(maxBytes: number, initialBytes: number) {
    this.maxBytes = maxBytes;
    // Of its own memory: it is given back as soon as it is outgrown, not when somebody collects it.
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  literal(input: Buffer, from: number, length: number): void {
    this.reserve(length);
    input.copy(this.buffer, this.length, from, from + length);
    this.length += length;
  }

  match(distance: number, length: number): void {
    this.reserve(length);
    const buffer = this.buffer;
    const to = this.length;
    if (distance >= length) buffer.copyWithin(to, to - distance, to - distance + length);
    else repeat(buffer, to, distance, length);
    this.length = to + length;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(length: number): void {
    const needed = this.length + length;
    if (needed <= this.buffer.length) return;
    if (needed > this.maxBytes) {
      (this.buffer.buffer as ArrayBuffer).transfer(0);
      throw new RecordBatchError('too-large', `lz4: ${needed} bytes where ${this.maxBytes} are allowed`);
    }
    const size = Math.min(this.maxBytes, Math.max(needed, this.buffer.length * 2));
    this.buffer = Buffer.from((this.buffer.buffer as ArrayBuffer).transfer(size));
  }
}

const HASH_BITS = 14;
/** The format wants the last five bytes as literals, and no match that begins in the last twelve. */
const LAST_LITERALS = 5;
const MATCH_MARGIN = 12;

/** Where a block is worked on: the same memory for every one. */
const table = new Int32Array(1 << HASH_BITS);
const out = Buffer.allocUnsafeSlow(BLOCK_BYTES + Math.ceil(BLOCK_BYTES / 255) + 16);

/** One block of at most `BLOCK_BYTES`, or undefined if it does not get smaller. */
function compressBlock(block: Uint8Array): Uint8Array | undefined {
  table.fill(-1);
  const matchEnd = block.length - LAST_LITERALS;
  let to = 0;
  let literalFrom = 0;
  for (let at = 0; at + MATCH_MARGIN <= block.length; ) {
    const word = block[at]! | (block[at + 1]! << 8) | (block[at + 2]! << 16) | (block[at + 3]! << 24);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = table[slot]!;
    table[slot] = at;
    let length = candidate < 0 || at - candidate > 65_535 ? 0 : commonLength(block, candidate, at, matchEnd);
    if (length < 4) {
      at += 1;
      continue;
    }
    to = writeSequence(out, to, block.subarray(literalFrom, at), length);
    out[to++] = (at - candidate) & 0xff;
    out[to++] = (at - candidate) >> 8;
    length = length - 4;
    to = writeLength(out, to, length);
    at += length + 4;
    literalFrom = at;
  }
  to = writeSequence(out, to, block.subarray(literalFrom), 4);
  return to < block.length ? Buffer.from(out.subarray(0, to)) : undefined;
}

function commonLength(block: Uint8Array, candidate: number, at: number, end: number): number {
  let length = 0;
  while (at + length < end && block[candidate + length] === block[at + length]) length += 1;
  return length;
}

/** Token and literals; of the match length only the token's share. */
function writeSequence(out: Buffer, at: number, literals: Uint8Array, matchLength: number): number {
  let to = at;
  out[to++] = (Math.min(15, literals.length) << 4) | Math.min(15, matchLength - 4);
  to = writeLength(out, to, literals.length);
  out.set(literals, to);
  return to + literals.length;
}

/** What does not fit into the token's four bits. */
function writeLength(out: Buffer, at: number, length: number): number {
  if (length < 15) return at;
  let to = at;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}

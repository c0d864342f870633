/**
 * Snappy, raw and in the xerial framing that Java clients write (snappy-java's `SnappyOutputStream`), without native
 * code. The decoder checks every length before it copies.
 */
import { RecordBatchError } from '../record-batch/record-batch.ts';

const corrupt = (why: string): RecordBatchError => new RecordBatchError('corrupt-compression', `snappy: ${why}`);

/** `\x82SNAPPY\0`, then two int32 versions. */
const XERIAL_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00];
const XERIAL_HEADER_BYTES = 16;
/** snappy-java's block size; every block is compressed on its own. */
const BLOCK_BYTES = 32_768;

/** Compresses in the xerial framing, which every Kafka client reads. */
export function snappyCompress(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.from([...XERIAL_MAGIC, 0, 0, 0, 1, 0, 0, 0, 1])];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = compressBlock(bytes.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

export function snappyDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (!XERIAL_MAGIC.every((byte, at) => bytes[at] === byte)) return decompressBlock(bytes, maxBytes);
  if (bytes.length < XERIAL_HEADER_BYTES) throw corrupt('the header is cut off');
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    if (bytes.length - at < 4) throw corrupt('a block length is cut off');
    const length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
    at += 4;
    if (length > bytes.length - at) throw corrupt(`a block of ${length} bytes where ${bytes.length - at} remain`);
    const block = decompressBlock(bytes.subarray(at, at + length), maxBytes - total);
    blocks.push(block);
    total += block.length;
    at += length;
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, total);
}

/** One raw snappy block. */
function decompressBlock(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const { value: size, next } = readLength(bytes);
  if (size > maxBytes) throw new RecordBatchError('too-large', `snappy: ${size} bytes where ${maxBytes} are allowed`);
  // A copy element of 3 bytes makes 64 at most: what announces more than that is a lie, seen before it is allocated.
  if (size > (bytes.length - next) * 22 + 64) throw corrupt(`${size} bytes cannot come of ${bytes.length}`);
  const target = Buffer.allocUnsafe(size);
  let from = next;
  let to = 0;
  while (from < bytes.length) {
    const tag = bytes[from]!;
    if ((tag & 3) === 0) {
      const literal = literalAt(bytes, from, tag);
      if (literal.to > bytes.length || to + literal.to - literal.from > size) throw corrupt('a literal runs over');
      target.set(bytes.subarray(literal.from, literal.to), to);
      to += literal.to - literal.from;
      from = literal.to;
      continue;
    }
    const elementBytes = COPY_BYTES[tag & 3]!;
    if (from + elementBytes > bytes.length) throw corrupt('a copy is cut off');
    const length = (tag & 3) === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const distance = copyDistance(bytes, from, tag);
    if (distance === 0 || distance > to || to + length > size) throw corrupt('a copy reaches outside');
    copyWithin(target, to, distance, length);
    to += length;
    from += elementBytes;
  }
  if (to !== size) throw corrupt(`${to} bytes where ${size} were announced`);
  return target;
}

const COPY_BYTES = [0, 2, 3, 5];

function literalAt(bytes: Uint8Array, at: number, tag: number): { from: number; to: number } {
  let length = tag >> 2;
  let from = at + 1;
  if (length >= 60) {
    const extra = length - 59;
    if (from + extra > bytes.length) throw corrupt('a literal length is cut off');
    length = 0;
    for (let byte = extra - 1; byte >= 0; byte--) length = length * 256 + bytes[from + byte]!;
    from += extra;
  }
  return { from, to: from + length + 1 };
}

function copyDistance(bytes: Uint8Array, at: number, tag: number): number {
  if ((tag & 3) === 1) return ((tag & 0xe0) << 3) | bytes[at + 1]!;
  const low = bytes[at + 1]! | (bytes[at + 2]! << 8);
  return (tag & 3) === 2 ? low : low + bytes[at + 3]! * 65_536 + bytes[at + 4]! * 16_777_216;
}

/** Copies bytes that may overlap what they make: a short distance repeats. */
export function copyWithin(target: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length) {
    target.copyWithin(to, to - distance, to - distance + length);
    return;
  }
  for (let at = to; at < to + length; at++) target[at] = target[at - distance]!;
}

function readLength(bytes: Uint8Array): { value: number; next: number } {
  let value = 0;
  for (let at = 0; at < 5 && at < bytes.length; at++) {
    value += (bytes[at]! & 0x7f) * 2 ** (7 * at);
    if (bytes[at]! < 0x80) {
      if (value > 0xffffffff) break;
      return { value, next: at + 1 };
    }
  }
  throw corrupt('no length');
}

const HASH_BITS = 13;
/** Where a block is worked on: the same memory for every one. */
const table = new Int32Array(1 << HASH_BITS);
const out = Buffer.allocUnsafeSlow(32 + BLOCK_BYTES + Math.ceil(BLOCK_BYTES / 6));

/** One raw block of at most 32 KiB: greedy matches of four bytes and more, found by a hash table. */
function compressBlock(block: Uint8Array): Uint8Array {
  table.fill(-1);
  let to = 0;
  for (let rest = block.length; ; rest >>>= 7) {
    out[to++] = rest > 127 ? (rest & 0x7f) | 0x80 : rest;
    if (rest <= 127) break;
  }
  let literalFrom = 0;
  for (let at = 0; at + 4 <= block.length; ) {
    const word = block[at]! | (block[at + 1]! << 8) | (block[at + 2]! << 16) | (block[at + 3]! << 24);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const candidate = table[slot]!;
    table[slot] = at;
    if (candidate < 0 || !sameWord(block, candidate, at)) {
      at += 1;
      continue;
    }
    let length = 4;
    while (at + length < block.length && block[candidate + length] === block[at + length]) length += 1;
    to = writeLiteral(out, to, block, literalFrom, at);
    to = writeCopies(out, to, at - candidate, length);
    at += length;
    literalFrom = at;
  }
  to = writeLiteral(out, to, block, literalFrom, block.length);
  return Buffer.from(out.subarray(0, to));
}

function sameWord(block: Uint8Array, one: number, other: number): boolean {
  return (
    block[one] === block[other] &&
    block[one + 1] === block[other + 1] &&
    block[one + 2] === block[other + 2] &&
    block[one + 3] === block[other + 3]
  );
}

function writeLiteral(out: Uint8Array, at: number, block: Uint8Array, from: number, end: number): number {
  const length = end - from;
  if (length === 0) return at;
  let to = at;
  if (length <= 60) out[to++] = (length - 1) << 2;
  else if (length <= 256) {
    out[to++] = 60 << 2;
    out[to++] = length - 1;
  } else {
    out[to++] = 61 << 2;
    out[to++] = (length - 1) & 0xff;
    out[to++] = (length - 1) >> 8;
  }
  out.set(block.subarray(from, end), to);
  return to + length;
}

/** Copies with 16-bit distances, 64 bytes each at most. */
function writeCopies(out: Uint8Array, at: number, distance: number, length: number): number {
  let to = at;
  for (let rest = length; rest > 0; ) {
    const step = Math.min(64, rest);
    out[to++] = ((step - 1) << 2) | 2;
    out[to++] = distance & 0xff;
    out[to++] = distance >> 8;
    rest -= step;
  }
  return to;
}

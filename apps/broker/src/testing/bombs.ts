/**
 * Compressed bytes that unpack to a gigabyte, or to as much as their format can make of a megabyte. Put together from
 * the formats' own repetitions, so that making them takes no time.
 */
import { gzipSync } from 'node:zlib';

const GIGABYTE = 2 ** 30;
const MAX_BYTES = 1_000_000;

const repeated = (piece: Buffer, times: number): Buffer => Buffer.alloc(piece.length * times, piece);

/** RFC 8878: a frame of blocks that repeat one byte 131,072 times, four bytes each. */
function zstd(plainBytes = GIGABYTE): Buffer {
  const blockBytes = 131_072;
  const header = (last: number): number => (blockBytes << 3) | (1 << 1) | last;
  const block = (last: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUIntLE(header(last), 0, 3);
    return bytes;
  };
  const blocks = Math.ceil(plainBytes / blockBytes);
  const head = Buffer.from('28b52ffd0038', 'hex');
  return Buffer.concat([head, repeated(block(0), blocks - 1), block(1)]);
}

/** A raw zstd block that holds another bomb. */
function nestedZstd(): Buffer {
  const inner = zstd(GIGABYTE);
  const header = Buffer.alloc(3);
  header.writeUIntLE((inner.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), header, inner]);
}

/** RFC 1952 allows members behind each other. */
function gzip(): Buffer {
  const member = gzipSync(Buffer.alloc(10_000_000));
  return repeated(member, Math.min(Math.ceil(GIGABYTE / 10_000_000), Math.floor(MAX_BYTES / member.length)));
}

/** Blocks of 4 MiB: one literal, and one match whose length is told by 255s. */
function lz4(): Buffer {
  const plainBytes = 4_194_304 - 64;
  const lengths = Math.floor((plainBytes - 1 - 19) / 255);
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), Buffer.alloc(lengths, 255), Buffer.from([0])]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(block.length);
  const head = Buffer.from('04224d186070', 'hex');
  return Buffer.concat([
    head,
    Buffer.from([0]),
    repeated(Buffer.concat([size, block]), Math.floor(MAX_BYTES / block.length) - 1),
  ]);
}

/** One raw block: a literal, and copies of 64 bytes by three. */
function snappy(): Buffer {
  const copies = 320_000;
  let rest = copies * 64 + 1;
  const length: number[] = [];
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest, 0, 0]), repeated(Buffer.from([0xfe, 1, 0]), copies)]);
}

export const BOMBS = { gzip, zstd, nestedZstd, lz4, snappy };

/** Announces 4 GiB and has a byte. */
export const SNAPPY_LIE = Buffer.from('ffffffff0f00', 'hex');
/** A frame that wants a window of 2 GiB. */
export const ZSTD_WINDOW = Buffer.from('28b52ffd00a8010000', 'hex');

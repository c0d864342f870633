import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODECS } from '../record-batch/record-batch.ts';
import { fuzz } from './compression.fuzz.ts';
import { compress, decompress } from './compression.ts';
import { snappyCompress } from './snappy.ts';

const CODED = CODECS.filter((codec) => codec !== 'none');
const code = (expected: string) => expect.objectContaining({ name: 'RecordBatchError', code: expected });

/** Text with repetitions far and near, and a run. */
function sample(size: number): Buffer {
  const words = Array.from({ length: size / 8 }, (_, index) =>
    index % 7 === 0
      ? 'meridian'
      : createHash('md5')
          .update(String(index % 997))
          .digest('hex')
          .slice(0, 8),
  );
  return Buffer.concat([Buffer.from(words.join('')), Buffer.alloc(1000)]);
}

test.each(CODED)('%s gives back what went in', (codec) => {
  for (const plain of [
    Buffer.alloc(0),
    Buffer.from('a'),
    sample(100),
    sample(70_000),
    sample(400_000),
    Buffer.alloc(200_000),
  ]) {
    const packed = compress(codec, plain);
    expect(Buffer.compare(Buffer.from(decompress(codec, packed, plain.length)), plain)).toBe(0);
  }
});

test.each(CODED)('%s gives back any bytes', (codec) => {
  const pieces = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(Buffer.alloc(70, 7))), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(pieces, (parts) => {
      const plain = Buffer.concat(parts);
      expect(Buffer.compare(Buffer.from(decompress(codec, compress(codec, plain), plain.length)), plain)).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test.each(CODED)('%s stops at the bound instead of filling the memory', (codec) => {
  const bomb = compress(codec, Buffer.alloc(8_000_000));
  expect(bomb.length).toBeLessThan(500_000);
  expect(() => decompress(codec, bomb, 1_000_000)).toThrow(code('too-large'));
  expect(() => decompress(codec, bomb, 7_999_999)).toThrow(code('too-large'));
  expect(decompress(codec, bomb, 8_000_000)).toHaveLength(8_000_000);
});

test.each(CODED)(
  '%s cut off or flipped anywhere is a typed error or other bytes, and no more of them than allowed',
  (codec) => {
    const packed = Buffer.concat([Buffer.from([CODECS.indexOf(codec)]), compress(codec, sample(600))]);
    for (let length = 1; length < packed.length; length++) fuzz(packed.subarray(0, length));
    for (let bit = 8; bit < packed.length * 8; bit++) {
      packed[bit >> 3]! ^= 1 << (bit & 7);
      fuzz(packed);
      packed[bit >> 3]! ^= 1 << (bit & 7);
    }
  },
);

test('raw snappy, as librdkafka writes it, is told from the xerial framing', () => {
  const plain = sample(3000);
  const raw = snappyCompress(plain).subarray(20);
  expect(Buffer.compare(Buffer.from(decompress('snappy', raw, 10_000)), plain)).toBe(0);
});

test('a snappy length that lies is refused before memory is taken', () => {
  const lie = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0x00, 0x61]);
  expect(() => decompress('snappy', lie, 2 ** 31)).toThrow(code('corrupt-compression'));
  expect(() => decompress('snappy', lie, 1000)).toThrow(code('too-large'));
});

test('a zstd frame that asks for a window of gigabytes is refused', () => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00]);
  expect(() => decompress('zstd', frame, 1000)).toThrow(code('corrupt-compression'));
});

test('bytes behind a zstd frame are refused, as Java clients cannot read them; a second frame is read', () => {
  const frame = compress('zstd', Buffer.from('records'));
  expect(() => decompress('zstd', Buffer.concat([frame, Buffer.alloc(9)]), 1_000)).toThrow(/behind the frame/);
  expect(Buffer.from(decompress('zstd', Buffer.concat([frame, frame]), 1_000)).toString()).toBe('recordsrecords');
});

test.each([
  ['gzip', [-1, 1, 9]],
  ['zstd', [-131_072, -1, 0, 3, 19, 22]],
] as const)('%s has levels, all of which our own reader reads', (codec, levels) => {
  const text = Buffer.from(Array.from({ length: 3_000 }, (_, n) => `record ${n * 7919} `).join(''));
  const sizes = levels.map((level) => {
    const packed = compress(codec, text, level);
    expect(Buffer.from(decompress(codec, packed, text.length)).equals(text)).toBe(true);
    return packed.length;
  });
  expect(sizes.at(-1)).toBeLessThan(sizes[1]!);
});

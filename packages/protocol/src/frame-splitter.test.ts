/** The frame splitter: any cut of the stream gives the same frames, at most one copy, and no allocation for a lie. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrameSplitter } from './frame-splitter.ts';

function framed(...frames: Buffer[]): Buffer {
  return Buffer.concat(frames.flatMap((frame) => [lengthOf(frame.length), frame]));
}

function lengthOf(length: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(length);
  return prefix;
}

function collector(maxFrameBytes = 1_000_000) {
  const frames: Buffer[] = [];
  const splitter = createFrameSplitter({ maxFrameBytes, onFrame: (frame) => frames.push(frame) });
  return { frames, splitter };
}

const tooLarge = expect.objectContaining({ name: 'ProtocolError', code: 'frame-too-large' });

test('a stream cut anywhere gives the same frames', () => {
  const frame = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), cuts, (sent, sizes) => {
      const { frames, splitter } = collector();
      const stream = framed(...sent);
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = sizes[i % sizes.length]!;
        splitter.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(frames).toEqual(sent);
      expect(splitter.heldBytes).toBe(0);
    }),
  );
});

test('one byte at a time is enough, for large frames as well', () => {
  const sent = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(200_000, 7)];
  const { frames, splitter } = collector();
  for (const byte of framed(...sent)) splitter.push(Buffer.from([byte]));
  expect(frames).toEqual(sent);
});

test('a hundred frames in one chunk are slices of it', () => {
  const sent = Array.from({ length: 100 }, (_, i) => Buffer.from(`frame ${i}`));
  const chunk = framed(...sent);
  const { frames, splitter } = collector();
  splitter.push(chunk);
  expect(frames).toEqual(sent);
  expect(frames.every((frame) => frame.buffer === chunk.buffer)).toBe(true);
});

test.each([-1, -2_147_483_648, 1_001, 2_147_483_647])(
  'a length of %i is refused, and nothing after it is read',
  (length) => {
    const { frames, splitter } = collector(1_000);
    expect(() => splitter.push(Buffer.concat([framed(Buffer.from('a')), lengthOf(length)]))).toThrow(tooLarge);
    splitter.push(framed(Buffer.from('b')));
    expect(frames).toEqual([Buffer.from('a')]);
    expect(splitter.heldBytes).toBe(0);
  },
);

test('a frame of exactly the limit passes', () => {
  const { frames, splitter } = collector(1_000);
  splitter.push(framed(Buffer.alloc(1_000)));
  expect(frames).toHaveLength(1);
});

test('bytes of a frame that is not complete are held and counted', () => {
  const { frames, splitter } = collector();
  splitter.push(framed(Buffer.alloc(100)).subarray(0, 3));
  expect(splitter.heldBytes).toBe(3);
  splitter.push(framed(Buffer.alloc(100)).subarray(3, 50));
  expect(splitter.heldBytes).toBe(46);
  splitter.push(framed(Buffer.alloc(100)).subarray(50));
  expect(frames).toHaveLength(1);
});

test('a splitter stopped by a frame hands out no other', () => {
  const frames: Buffer[] = [];
  const splitter = createFrameSplitter({
    onFrame: (frame) => {
      frames.push(frame);
      splitter.stop();
    },
  });
  splitter.push(framed(Buffer.from('a'), Buffer.from('b')));
  expect(frames).toEqual([Buffer.from('a')]);
});

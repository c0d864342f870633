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

test('frames keep what they were when the chunk is received into again, and small ones share a copy', () => {
  const sent = Array.from({ length: 100 }, (_, i) => Buffer.alloc(i === 50 ? 5_000 : 10, i));
  const chunk = framed(...sent);
  const { frames, splitter } = collector();
  splitter.push(chunk);
  chunk.fill(0xff);
  expect(frames).toEqual(sent);
  expect(new Set(frames.map(({ buffer }) => buffer)).size).toBeLessThan(5);
  expect(frames.every(({ buffer, length }) => buffer.byteLength <= Math.max(1_024, length))).toBe(true);
});

test('frames of an api that has memory of its own lie there, held once each', () => {
  const held = new Map<ArrayBufferLike, number>();
  const count = (bytes: Buffer, by: number) => void held.set(bytes.buffer, (held.get(bytes.buffer) ?? 0) + by);
  const memory = {
    leastBytes: 1_000,
    take: (size: number) => Buffer.allocUnsafeSlow(size + 7).subarray(0, size),
    hold: (bytes: Buffer) => count(bytes, 1),
    release: (bytes: Buffer) => count(bytes, -1),
  };
  const frameOf = (apiKey: number, size: number) =>
    Buffer.concat([Buffer.from([0, apiKey]), Buffer.alloc(size, apiKey)]);
  const sent = [frameOf(0, 2_000), frameOf(1, 2_000), frameOf(0, 10), frameOf(0, 500_000), frameOf(1, 10)];
  const frames: Buffer[] = [];
  const splitter = createFrameSplitter({
    onFrame: (frame) => void frames.push(frame),
    memoryFor: (apiKey) => (apiKey === 0 ? memory : undefined),
  });
  const stream = framed(...sent, frameOf(0, 3_000));
  for (let at = 0; at < stream.length - 1; at += 3_001)
    splitter.push(stream.subarray(at, Math.min(at + 3_001, stream.length - 1)));
  expect(frames).toEqual(sent);
  expect(frames.map(({ buffer }) => held.get(buffer))).toEqual([1, undefined, undefined, 1, undefined]);
  splitter.stop();
  expect([...held.values()].sort()).toEqual([0, 0, 1, 1]);
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

import { expect, test } from 'vitest';
import { packBinary, unpackBinary } from './binary-frames.ts';

const BATCHES = [Uint8Array.of(1, 2), Uint8Array.of(3)];

test('a frame that was packed is read back, its batches being a view into it', () => {
  const frame = packBinary(1, { topic: 'café' }, BATCHES);
  const { kind, header, batches } = unpackBinary<{ topic: string }>(frame);
  expect([kind, header.topic, ...batches]).toEqual([1, 'café', 1, 2, 3]);
  expect(batches.buffer).toBe(frame.buffer);
});

test('a frame is read at any place of a larger buffer', () => {
  const frame = packBinary(2, {}, BATCHES);
  const larger = new Uint8Array(frame.length + 7);
  larger.set(frame, 7);
  expect(unpackBinary(larger.subarray(7)).kind).toBe(2);
});

test('whatever is cut short, lies about its length or is not JSON is a typed error', () => {
  const frame = packBinary(1, { topic: 't' }, BATCHES);
  for (let size = 0; size < 5 + '{"topic":"t"}'.length; size += 1) {
    expect(() => unpackBinary(frame.subarray(0, size))).toThrow('binary frame');
  }
  expect(() => unpackBinary(Uint8Array.of(1, 255, 255, 255, 255, 0))).toThrow('binary frame');
  expect(() => unpackBinary(Uint8Array.of(1, 0, 0, 0, 1, 0x31))).toThrow('not an object');
  expect(() => unpackBinary(Uint8Array.of(1, 0, 0, 0, 1, 0xff))).toThrow('not JSON');
});

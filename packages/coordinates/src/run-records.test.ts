import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoordinateError } from './errors.ts';
import {
  decodeRun,
  decodeRunKey,
  encodeRunKey,
  encodeRunValue,
  isOfTenure,
  type StoredRun,
  sequenceAt,
} from './run-records.ts';

const offset = fc.nat({ max: 2 ** 31 - 1 }).chain((high) => fc.nat(1000).map((low) => high * 2 ** 20 + low));
const key = fc.record({
  copy: fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }),
  partition: fc.nat(),
  localStart: offset,
});
const value = fc.record({
  originEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  originStart: offset,
  count: fc.nat(),
  tenure: fc.record({
    producerId: offset,
    producerEpoch: fc.nat(32_767),
    localStart: fc.constant(0),
  }),
});

test('what was written reads back the same', () => {
  fc.assert(
    fc.property(key, value, (someKey, someValue) => {
      const run: StoredRun = { ...someValue, localStart: someKey.localStart };
      expect(decodeRunKey(encodeRunKey(someKey))).toEqual(someKey);
      expect(decodeRun(someKey, encodeRunValue(run))).toEqual(run);
    }),
  );
});

test('any bytes are a record or a typed error', () => {
  const anyKey = { copy: 'a', partition: 0, localStart: 5 };
  const mutated = fc.tuple(key, fc.nat(400), fc.nat(255)).map(([someKey, at, byte]) => {
    const bytes = encodeRunKey(someKey);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((each) => Buffer.from(each)),
    mutated,
  );
  const versioned = bytes.map((each) => Buffer.concat([Buffer.alloc(2), each]));
  fc.assert(
    fc.property(fc.oneof(bytes, versioned), (each) => {
      for (const decode of [() => decodeRunKey(each), () => decodeRun(anyKey, each)]) {
        try {
          decode();
        } catch (error) {
          expect(error).toBeInstanceOf(CoordinateError);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a record that ends early, goes on too long or is of a newer version is an error', () => {
  const bytes = encodeRunKey({ copy: 'eu.orders', partition: 3, localStart: 9 });
  expect(() => decodeRunKey(bytes.subarray(0, -1))).toThrow(CoordinateError);
  expect(() => decodeRunKey(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(CoordinateError);
  bytes.writeInt16BE(1, 0);
  expect(() => decodeRunKey(bytes)).toThrow('version 1 is not known');
});

test('a batch is of a tenure if its producer is and its sequence is what its offset says, also behind 2^31', () => {
  const tenure = { producerId: 7, producerEpoch: 2, localStart: 100 };
  const batch = { baseOffset: 110, producerId: 7, producerEpoch: 2, baseSequence: 10 };
  expect(isOfTenure(tenure, batch)).toBe(true);
  expect(isOfTenure(tenure, { ...batch, baseOffset: 111 })).toBe(false);
  expect(isOfTenure(tenure, { ...batch, producerId: 8 })).toBe(false);
  expect(isOfTenure(tenure, { ...batch, producerEpoch: 1 })).toBe(false);
  expect(sequenceAt(tenure, 100 + 2 ** 31 + 3)).toBe(3);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoordinateError } from './errors.ts';
import {
  decodeRunChange,
  encodeRunChange,
  isOfTenure,
  RUNS_PARTITIONS,
  type RunChange,
  runsPartitionOf,
  sequenceAt,
} from './run-records.ts';

const offset = fc.nat({ max: 2 ** 31 - 1 }).chain((high) => fc.nat(1000).map((low) => high * 2 ** 20 + low));
const place = fc.record({ copyId: fc.uuid(), partition: fc.nat() });
const run = fc.record({
  originEpoch: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  originStart: offset,
  localStart: offset,
  count: fc.nat(),
  tenure: fc.record({ producerId: offset, producerEpoch: fc.nat(32_767), localStart: fc.constant(0) }),
});
const change: fc.Arbitrary<RunChange> = fc.oneof(
  run.map((each) => ({ type: 'put', run: each }) as const),
  offset.map((localStart) => ({ type: 'drop', localStart }) as const),
  fc.tuple(offset, fc.nat()).map(([from, more]) => ({ type: 'lost', range: { from, to: from + more } }) as const),
  offset.map((from) => ({ type: 'dropLost', from }) as const),
  fc.tuple(offset, offset).map(([originEnd, localEnd]) => ({ type: 'skipped', originEnd, localEnd }) as const),
  fc.constant({ type: 'dropSkipped' } as const),
);

test('what was written reads back the same, and lies where everything else of its partition does', () => {
  fc.assert(
    fc.property(place, change, (somewhere, written) => {
      const { key, value } = encodeRunChange(somewhere, written);
      expect(decodeRunChange(key, value)).toEqual({ place: somewhere, change: written });
      expect(runsPartitionOf(somewhere)).toBeLessThan(RUNS_PARTITIONS);
    }),
  );
});

const PLACE = { copyId: '00000000-0000-4000-8000-00000000000a', partition: 3 };

test('a record that ends early, goes on too long or is of a newer version is an error', () => {
  const { key, value } = encodeRunChange(PLACE, { type: 'lost', range: { from: 9, to: 12 } });
  expect(() => decodeRunChange(key.subarray(0, -1), value)).toThrow(CoordinateError);
  expect(() => decodeRunChange(key, Buffer.concat([value!, Buffer.alloc(1)]))).toThrow(CoordinateError);
  expect(() => decodeRunChange(key, value!.subarray(0, 1))).toThrow(CoordinateError);
  key.writeInt16BE(1, 0);
  expect(() => decodeRunChange(key, value)).toThrow('version 1 is not known');
});

test('a copy without a topic id and an offset below zero are not written', () => {
  const drop = { type: 'drop', localStart: 0 } as const;
  expect(() => encodeRunChange({ copyId: 'eu.orders', partition: 0 }, drop)).toThrow(CoordinateError);
  expect(() => encodeRunChange(PLACE, { type: 'dropLost', from: -1 })).toThrow(CoordinateError);
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

import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { piecesOf } from './slice-pieces.ts';

function slice(counts: readonly number[]) {
  let baseOffset = 40;
  const batches = counts.map((count, index) => {
    const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null, headers: [] }));
    const bytes = Buffer.from(writeBatch({ records, baseOffset, leaderEpoch: index }));
    baseOffset += count;
    return bytes;
  });
  const bytes = Buffer.concat(batches);
  const lastEpoch = counts.length - 1;
  return { buffers: [bytes], sizeInBytes: bytes.length, baseOffset: 40, nextOffset: baseOffset, lastEpoch };
}

test('a slice that one append takes is handed on as it is', () => {
  const whole = slice([3, 2]);
  expect(piecesOf(whole, { appendMaxBytes: 1_000, appendMaxBatches: 100 })).toEqual([whole]);
});

test.each([
  [{ appendMaxBytes: 1, appendMaxBatches: 100 }, [40, 43, 45, 46]],
  [{ appendMaxBytes: 1e6, appendMaxBatches: 3 }, [40, 46]],
  [{ appendMaxBytes: 190, appendMaxBatches: 100 }, [40, 45]],
])('with %j it is cut between batches, and nothing is left out', (limits, bases) => {
  const whole = slice([3, 2, 1, 4]);
  const pieces = piecesOf(whole, limits);
  expect(pieces.map(({ baseOffset }) => baseOffset)).toEqual(bases);
  expect(Buffer.concat(pieces.flatMap(({ buffers }) => buffers))).toEqual(whole.buffers[0]);
  expect(pieces.map(({ nextOffset }) => nextOffset)).toEqual([...bases.slice(1), whole.nextOffset]);
  expect(pieces.at(-1)).toMatchObject({ lastEpoch: 3 });
});

import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { walkBatches } from './batch-walk.ts';

function batchAt(baseOffset: number, count: number, leaderEpoch = 1): Buffer {
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null, headers: [] }));
  const bytes = writeBatch({ records, baseOffset, leaderEpoch });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

test('whole batches are told from where to where, and a last one that was cut off is left out', () => {
  const bytes = Buffer.concat([batchAt(10, 2), batchAt(15, 3, 2), batchAt(18, 1)]);
  const run = walkBatches(bytes.subarray(0, bytes.length - 1), 10);
  expect(run).toMatchObject({ baseOffset: 10, nextOffset: 18, lastEpoch: 2 });
});

test('batches that end below the position are left out, one that contains it is kept whole', () => {
  const bytes = Buffer.concat([batchAt(0, 5), batchAt(5, 5), batchAt(10, 5)]);
  expect(walkBatches(bytes, 7)).toMatchObject({ baseOffset: 5, nextOffset: 15 });
  expect(walkBatches(bytes, 15)).toBeUndefined();
  expect(walkBatches(Buffer.alloc(0), 0)).toBeUndefined();
});

test('bytes that are no batches, or batches out of order, are told and never thrown', () => {
  expect(walkBatches(Buffer.alloc(100), 0)).toMatch(/magic 0/);
  expect(walkBatches(batchAt(0, 1).subarray(0, 30), 0)).toBe('no whole batch');
  expect(walkBatches(Buffer.concat([batchAt(5, 5), batchAt(7, 1)]), 5)).toMatch(/out of order/);
});

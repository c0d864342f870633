import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { walkBatches } from './batch-walk.ts';

function batchAt(baseOffset: number, count: number, leaderEpoch = 1): Buffer {
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null, headers: [] }));
  const bytes = writeBatch({ records, baseOffset, leaderEpoch });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** With its magic changed. */
function oldMagic(batch: Buffer): Buffer {
  const bytes = Buffer.from(batch);
  bytes[16] = 1;
  return bytes;
}

test('whole batches are told from where to where, and a last one that was cut off is left out', () => {
  const bytes = Buffer.concat([batchAt(10, 2), batchAt(15, 3, 2), batchAt(18, 1)]);
  const { run } = walkBatches(bytes.subarray(0, bytes.length - 1), 10, 19);
  expect(run).toMatchObject({ baseOffset: 10, nextOffset: 18, lastEpoch: 2 });
});

test('batches that end below the position are left out, one that contains it is kept whole', () => {
  const bytes = Buffer.concat([batchAt(0, 5), batchAt(5, 5), batchAt(10, 5)]);
  expect(walkBatches(bytes, 7, 15).run).toMatchObject({ baseOffset: 5, nextOffset: 15 });
  expect(walkBatches(bytes, 15, 15)).toEqual({ run: undefined, bad: undefined });
  expect(walkBatches(Buffer.alloc(0), 0, 0)).toEqual({ run: undefined, bad: undefined });
});

test('bytes that are no batches, or batches out of order, are told and never thrown', () => {
  expect(walkBatches(Buffer.alloc(100), 0, 9).bad?.problem).toMatch(/magic 0/);
  expect(walkBatches(batchAt(0, 1).subarray(0, 30), 0, 9).bad).toEqual({
    problem: 'no whole batch at offset 0',
    range: undefined,
  });
  const { run, bad } = walkBatches(Buffer.concat([batchAt(5, 5), batchAt(7, 1)]), 5, 10);
  expect(run).toMatchObject({ baseOffset: 5, nextOffset: 10 });
  expect(bad?.problem).toMatch(/out of order/);
});

test('a bad batch is told with its offsets, behind the good ones before it', () => {
  const bytes = Buffer.concat([batchAt(0, 5), oldMagic(batchAt(5, 3)), batchAt(8, 2)]);
  expect(walkBatches(bytes, 0, 10)).toMatchObject({
    run: { baseOffset: 0, nextOffset: 5 },
    bad: { range: { from: 5, to: 8 } },
  });
  expect(walkBatches(bytes, 6, 10).bad?.range).toEqual({ from: 6, to: 8 });
  expect(walkBatches(bytes, 8, 10)).toMatchObject({ run: { baseOffset: 8, nextOffset: 10 }, bad: undefined });
});

test('a header that says what cannot be is not believed, and something is passed all the same', () => {
  const lying = batchAt(5, 3);
  lying.writeInt32BE(-7, 23); // last offset delta
  expect(walkBatches(Buffer.concat([lying, batchAt(9, 1)]), 5, 10).bad?.range).toEqual({ from: 5, to: 9 });
  expect(walkBatches(lying, 5, 10).bad?.range).toEqual({ from: 5, to: 8 });
  expect(walkBatches(lying, 5, 6).bad?.range).toEqual({ from: 5, to: 6 });
  const huge = oldMagic(batchAt(5, 3));
  huge.writeInt32BE(2 ** 30, 23);
  expect(walkBatches(huge, 5, 10).bad?.range).toEqual({ from: 5, to: 8 });
  expect(walkBatches(huge, 10, 10).bad?.range).toBeUndefined();
});

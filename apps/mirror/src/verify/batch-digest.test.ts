import { compress, nativeCrc32c } from '@meridian/protocol';
import { mergeBatches, readBatchHeader, stampBaseOffset, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { rebaseBatch } from '../rebased/rebase-batch.ts';
import { RecordsDigest, WindowDigest } from './batch-digest.ts';

const record = (value: string) => ({ timestamp: 1_700_000_000_000, key: null, value: Buffer.from(value), headers: [] });

function batch(baseOffset: number, values: readonly string[], producerId = 7): Buffer {
  const records = values.map(record);
  const bytes = writeBatch({ records, producerId, producerEpoch: 1, baseSequence: 3, crc: nativeCrc32c });
  stampBaseOffset(bytes, 0, baseOffset);
  return Buffer.from(bytes);
}

const digestOf = (batches: readonly (readonly [originBase: number, bytes: Buffer])[]): string => {
  const digest = new WindowDigest();
  for (const [originBase, bytes] of batches) digest.add(originBase, { header: readBatchHeader(bytes), bytes });
  return digest.text();
};

test('a batch that was re-based has the digest of its origin', () => {
  const born = batch(40, ['a', 'b', 'c']);
  const produce = {
    segments: [{ originStart: 40, count: 3 }],
    isWhole: true,
    producerId: 99,
    producerEpoch: 4,
    baseSequence: 0,
  };
  const copy = Buffer.concat(rebaseBatch(born, produce, { compress }));
  stampBaseOffset(copy, 0, 5);
  expect(copy.equals(born)).toBe(false);
  expect(digestOf([[40, copy]])).toBe(digestOf([[40, born]]));
});

test('other contents, places and orders have other digests', () => {
  const [a, b] = [batch(0, ['a', 'b']), batch(2, ['c', 'd'])];
  const digests = [
    digestOf([]),
    digestOf([[0, a]]),
    digestOf([
      [0, a],
      [2, b],
    ]),
    digestOf([
      [2, b],
      [0, a],
    ]),
    digestOf([
      [1, a],
      [2, b],
    ]),
    digestOf([
      [0, batch(0, ['a', 'B'])],
      [2, b],
    ]),
  ];
  expect(new Set(digests).size).toBe(digests.length);
});

test('batches that were merged have the digest of their records, and no other', () => {
  const digestOfRecords = (batches: readonly Buffer[], distance = 0): string => {
    const digest = new RecordsDigest();
    for (const bytes of batches) digest.add({ bytes }, (offset) => (offset < 5 ? undefined : offset - distance));
    return digest.text();
  };
  const born = [batch(5, ['a', 'b', 'c']), batch(8, ['d', 'e'])];
  const merged = mergeBatches(born, Buffer.alloc(1_000), { crc: nativeCrc32c }).bytes as Buffer;
  expect(digestOfRecords([merged])).toBe(digestOfRecords(born));
  stampBaseOffset(merged, 0, 105);
  expect(digestOfRecords([merged], 100)).toBe(digestOfRecords(born));
  expect(digestOfRecords([merged], 99)).not.toBe(digestOfRecords(born));
  expect(digestOfRecords([batch(5, ['a', 'b', 'c']), batch(8, ['d', 'E'])])).not.toBe(digestOfRecords(born));
});

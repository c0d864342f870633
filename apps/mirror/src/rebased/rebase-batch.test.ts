import { batchCrcValid, crc32c, readBatchHeader, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { rebaseBatch, segmentsOf } from './rebase-batch.ts';

const producer = { producerId: 77, producerEpoch: 3, baseSequence: 12 };
const options = { crc: crc32c, compress: (_: string, bytes: Uint8Array) => bytes };
const at = (offsetDelta: number) => ({
  timestamp: 1_000 + offsetDelta,
  value: new Uint8Array([offsetDelta]),
  offsetDelta,
});
const batch = (...deltas: number[]) =>
  writeBatch({
    baseOffset: 40,
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
    transactional: true,
    records: deltas.map(at),
  });

test('a whole batch keeps its payload and bears our producer, without the transaction', () => {
  const origin = batch(0, 1, 2);
  const before = Uint8Array.from(origin);
  const rebased = rebaseBatch(origin, { ...producer, segments: segmentsOf(origin, {}), isWhole: true }, options);
  expect(origin).toEqual(before);
  expect(rebased.subarray(61)).toEqual(origin.subarray(61));
  expect(readBatchHeader(rebased)).toMatchObject({
    ...producer,
    baseOffset: 0,
    isTransactional: false,
    recordCount: 3,
  });
  expect(batchCrcValid(rebased, crc32c)).toBe(true);
});

test('a compacted batch becomes dense, with the records that are wanted', () => {
  const origin = batch(0, 1, 4, 6);
  expect(segmentsOf(origin, {})).toEqual([
    { originStart: 40, count: 2 },
    { originStart: 44, count: 1 },
    { originStart: 46, count: 1 },
  ]);
  const rebased = rebaseBatch(
    origin,
    { ...producer, segments: segmentsOf(origin, {}).slice(1), isWhole: false },
    options,
  );
  expect(readBatchHeader(rebased)).toMatchObject({ ...producer, lastOffsetDelta: 1, recordCount: 2 });
  expect([...readRecords(rebased)].map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
    [0, 1_004],
    [1, 1_006],
  ]);
  expect(batchCrcValid(rebased, crc32c)).toBe(true);
});

import { readBatchHeader, readRecords } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { abortMarkers, endedUnseen, type OpenTransaction } from './broken-transactions.ts';

const open = (producerId: number, startOffset: number): OpenTransaction => {
  return { producerId, producerEpoch: 3, coordinatorEpoch: 9, lastTimestamp: 1_000, startOffset };
};

test('a transaction that is still open at the origin, or that the origin never had in the copy, is not ended', () => {
  expect(endedUnseen([open(1, 50), open(2, 60)], [open(1, 50), open(3, 70)])).toEqual([open(2, 60)]);
});

test('another transaction of the same producer is not the one that the copy has', () => {
  expect(endedUnseen([open(1, 50)], [open(1, 210)])).toEqual([open(1, 50)]);
});

test('each is ended by an abort marker of its producer, with the epoch of the record before', () => {
  const [first, second, ...none] = abortMarkers([open(2, 60), open(1, 50)], { from: 100, to: 200, leaderEpoch: 5 });
  expect(none).toEqual([]);
  const common = { isControl: true, isTransactional: true, producerEpoch: 3, partitionLeaderEpoch: 5 };
  expect(readBatchHeader(first!)).toMatchObject({ ...common, producerId: 1, baseOffset: 100, lastOffset: 100 });
  expect(readBatchHeader(second!)).toMatchObject({ ...common, producerId: 2, baseOffset: 101, lastOffset: 101 });
  const marker = readRecords(first!).next().value!;
  expect(Buffer.from(marker.key!)).toEqual(Buffer.from([0, 0, 0, 0]));
  expect(Buffer.from(marker.value!)).toEqual(Buffer.from([0, 0, 0, 0, 0, 9]));
});

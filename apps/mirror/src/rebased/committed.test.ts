import { expect, test } from 'vitest';
import { type CommittableBatch, committedKinds } from './committed.ts';

const batch = (producerId: number, lastOffset: number, more: Partial<CommittableBatch> = {}): CommittableBatch => ({
  producerId,
  lastOffset,
  isTransactional: true,
  isControl: false,
  isAbort: false,
  ...more,
});
const marker = (producerId: number, lastOffset: number, isAbort: boolean) =>
  batch(producerId, lastOffset, { isControl: true, isAbort });

test('a transaction that was aborted is skipped up to its marker, others of its time are not', () => {
  const batches = [
    batch(1, 4),
    batch(2, 9),
    marker(1, 10, true),
    batch(1, 12),
    marker(2, 13, false),
    marker(1, 14, false),
  ];
  const kinds = committedKinds(batches, [{ producerId: 1, firstOffset: 0 }]);
  expect(kinds).toEqual(['aborted', 'data', 'control', 'data', 'control', 'control']);
});

test('what an aborting producer wrote outside of transactions is data', () => {
  expect(committedKinds([batch(1, 4, { isTransactional: false })], [{ producerId: 1, firstOffset: 0 }])).toEqual([
    'data',
  ]);
});

test('two aborted transactions of one producer are told apart, in whatever order they are listed', () => {
  const batches = [batch(1, 1), marker(1, 2, true), batch(1, 3), marker(1, 4, false), batch(1, 5), marker(1, 6, true)];
  const aborted = [
    { producerId: 1, firstOffset: 5 },
    { producerId: 1, firstOffset: 0 },
  ];
  expect(committedKinds(batches, aborted)).toEqual(['aborted', 'control', 'data', 'control', 'aborted', 'control']);
});

test('a transaction that began before the answer is aborted from its first batch on', () => {
  expect(committedKinds([batch(1, 104)], [{ producerId: 1, firstOffset: 40 }])).toEqual(['aborted']);
});

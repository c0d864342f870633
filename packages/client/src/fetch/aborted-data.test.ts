import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { AbortedData, type BatchKind } from './aborted-data.ts';
import type { AbortedTransaction } from './fetch-types.ts';

interface Batch {
  readonly producerId: number;
  readonly lastOffset: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);
const batch = (producerId: number, lastOffset: number, isTransactional = true): Batch => {
  return { producerId, lastOffset, isTransactional, isControl: false, bytes: NO_BYTES };
};
const marker = (producerId: number, lastOffset: number, isAbort: boolean): Batch => {
  const key = Buffer.from([0, 0, 0, isAbort ? 0 : 1]);
  const bytes = writeBatch({ records: [{ timestamp: 1, key, value: Buffer.alloc(6) }], control: true });
  return { producerId, lastOffset, isTransactional: true, isControl: true, bytes };
};

function kinds(batches: readonly Batch[], aborted: readonly AbortedTransaction[]): BatchKind[] {
  const data = new AbortedData(aborted);
  return batches.map((each) => data.kindOf(each, each.bytes));
}

test('a transaction that was aborted is skipped up to its marker, others of its time are not', () => {
  const batches = [
    batch(1, 4),
    batch(2, 9),
    marker(1, 10, true),
    batch(1, 12),
    marker(2, 13, false),
    marker(1, 14, false),
  ];
  const found = kinds(batches, [{ producerId: 1, firstOffset: 0 }]);
  expect(found).toEqual(['aborted', 'data', 'control', 'data', 'control', 'control']);
});

test('what an aborting producer wrote outside of transactions is data', () => {
  expect(kinds([batch(1, 4, false)], [{ producerId: 1, firstOffset: 0 }])).toEqual(['data']);
});

test('two aborted transactions of one producer are told apart, in whatever order they are listed', () => {
  const batches = [batch(1, 1), marker(1, 2, true), batch(1, 3), marker(1, 4, false), batch(1, 5), marker(1, 6, true)];
  const aborted = [
    { producerId: 1, firstOffset: 5 },
    { producerId: 1, firstOffset: 0 },
  ];
  expect(kinds(batches, aborted)).toEqual(['aborted', 'control', 'data', 'control', 'aborted', 'control']);
});

test('a transaction that began before the answer is aborted from its first batch on', () => {
  expect(kinds([batch(1, 104)], [{ producerId: 1, firstOffset: 40 }])).toEqual(['aborted']);
});

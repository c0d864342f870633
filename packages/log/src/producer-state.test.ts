import { readBatchHeader } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { ProducerTable } from './producer-state.ts';
import { batchOf } from './test-batches.ts';

const MAX = 2 ** 31 - 1;

/** The header of a batch of `count` records that producer 7 sends. */
function sent(sequence: number, count: number, options: { epoch?: number; offset?: number; producer?: number } = {}) {
  return readBatchHeader(
    batchOf(options.offset ?? sequence, Array(count).fill('x'), {
      producerId: options.producer ?? 7,
      producerEpoch: options.epoch ?? 0,
      baseSequence: sequence,
    }),
  );
}

const unread = (): Uint8Array => {
  throw new Error('only markers are read');
};

test('batches without a producer id are always ok and leave nothing behind', () => {
  const table = new ProducerTable(10);
  table.update(readBatchHeader(batchOf(0, ['a'])), unread);
  expect(table.check(readBatchHeader(batchOf(0, ['a'])))).toEqual({ kind: 'ok' });
  expect(table.size).toBe(0);
});

test('each of the last five batches is known again with its first offset, the sixth is out of order', () => {
  const table = new ProducerTable(10);
  for (let index = 0; index < 6; index++) table.update(sent(index * 2, 2, { offset: 100 + index * 10 }), unread);
  for (let index = 1; index < 6; index++) {
    const first = 100 + index * 10;
    expect(table.check(sent(index * 2, 2))).toEqual({
      kind: 'duplicate',
      firstOffset: first,
      lastOffset: first + 1,
      timestamp: first + 1001,
    });
  }
  expect(table.check(sent(0, 2))).toMatchObject({ kind: 'error', errorCode: 45 });
  expect(table.check(sent(12, 1))).toEqual({ kind: 'ok' });
  expect(table.check(sent(13, 1))).toMatchObject({ kind: 'error', errorCode: 45 });
});

test('half of a known batch, or more than it, is no duplicate', () => {
  const table = new ProducerTable(10);
  table.update(sent(0, 4), unread);
  expect(table.check(sent(0, 2))).toMatchObject({ errorCode: 45 });
  expect(table.check(sent(0, 5))).toMatchObject({ errorCode: 45 });
});

test('sequences go on from 0 after 2^31 − 1, inside a batch and between batches', () => {
  const table = new ProducerTable(10);
  table.update(sent(MAX - 1, 2), unread);
  expect(table.check(sent(0, 3))).toEqual({ kind: 'ok' });
  const across = new ProducerTable(10);
  across.update(sent(MAX - 1, 4, { offset: 50 }), unread);
  expect(across.check(sent(MAX - 1, 4))).toMatchObject({ kind: 'duplicate', firstOffset: 50 });
  expect(across.check(sent(2, 1))).toEqual({ kind: 'ok' });
  expect(across.check(sent(0, 1))).toMatchObject({ errorCode: 45 });
});

test('a new epoch begins with sequence 0 and fences the older one', () => {
  const table = new ProducerTable(10);
  table.update(sent(0, 1), unread);
  expect(table.check(sent(1, 1, { epoch: 1 }))).toMatchObject({ errorCode: 45 });
  expect(table.check(sent(0, 1, { epoch: 1 }))).toEqual({ kind: 'ok' });
  table.update(sent(0, 1, { epoch: 1, offset: 1 }), unread);
  expect(table.check(sent(1, 1))).toMatchObject({ errorCode: 47 });
  expect(table.check(sent(0, 1, { epoch: 1 }))).toMatchObject({ kind: 'duplicate', firstOffset: 1 });
});

test('a producer that is not known may go on anywhere, as its state may have expired', () => {
  expect(new ProducerTable(10).check(sent(4711, 1))).toEqual({ kind: 'ok' });
});

test('beyond the bound the producer that was silent for longest is forgotten', () => {
  const table = new ProducerTable(2);
  for (const producer of [1, 2, 1, 3]) table.update(sent(0, 1, { producer }), unread);
  expect(table.size).toBe(2);
  expect(table.check(sent(5, 1, { producer: 1 }))).toMatchObject({ errorCode: 45 });
  expect(table.check(sent(5, 1, { producer: 2 }))).toEqual({ kind: 'ok' });
});

import { expect, test } from 'vitest';
import { compareNumbers } from './audit.ts';

test('an equal copy has nothing lost, nothing twice and nothing out of order', () => {
  expect(compareNumbers([0, 1, 2], [0, 1, 2])).toEqual({ records: 3, lost: 0, twice: 0, firstOutOfOrder: undefined });
});

test('what is lost and what is there twice is counted', () => {
  expect(compareNumbers([0, 1, 2, 3], [0, 1, 1, 3])).toMatchObject({ lost: 1, twice: 1 });
});

test('another order is told', () => {
  expect(compareNumbers([0, 1, 2], [0, 2, 1])).toMatchObject({ lost: 0, twice: 0, firstOutOfOrder: 1 });
});

import { expect, test } from 'vitest';
import { compareNumbers } from './audit.ts';

test('an equal copy has nothing lost, nothing twice and nothing out of order', () => {
  expect(compareNumbers(3, [0, 1, 2])).toEqual({ records: 3, lost: 0, twice: 0, outOfOrder: 0 });
});

test('what is lost and what is there twice is counted', () => {
  expect(compareNumbers(4, [0, 1, 1, 3])).toMatchObject({ lost: 1, twice: 1, outOfOrder: 0 });
});

test('a copy that begins anew has all of it twice, and none of it out of order', () => {
  expect(compareNumbers(3, [0, 1, 0, 1, 2])).toMatchObject({ lost: 0, twice: 2, outOfOrder: 0 });
});

test('a record that comes behind a later one is out of order', () => {
  expect(compareNumbers(4, [0, 2, 3, 1])).toMatchObject({ lost: 0, twice: 0, outOfOrder: 1 });
});

test('what the origin never had is too much', () => {
  expect(compareNumbers(2, [0, 1, 7])).toMatchObject({ lost: 0, twice: 1 });
});

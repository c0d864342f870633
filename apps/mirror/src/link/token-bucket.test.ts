import { expect, test } from 'vitest';
import { TokenBucket } from './token-bucket.ts';

test('what is saved up passes at once, a debt is waited off, and no more than a second is saved', () => {
  const bucket = new TokenBucket(1_000, 0);
  expect(bucket.take(600, 0)).toBe(0);
  expect(bucket.take(600, 0)).toBe(200);
  expect(bucket.take(100, 200)).toBe(100);
  expect(bucket.take(1_000, 60_000)).toBe(0);
  expect(bucket.take(1, 60_000)).toBe(1);
});

test('a rate that is lowered counts from then on', () => {
  const bucket = new TokenBucket(1_000, 0);
  bucket.setRate(100, 0);
  expect(bucket.take(200, 0)).toBe(1_000);
  bucket.setRate(1_000, 1_000);
  expect(bucket.take(100, 1_000)).toBe(100);
});

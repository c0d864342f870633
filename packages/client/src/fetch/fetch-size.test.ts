import { expect, test } from 'vitest';
import { FetchSize, SizeBudget } from './fetch-size.ts';

const MB = 1024 * 1024;
const LIMITS = { adaptiveRttMs: 20 };
const BOUNDS = { least: 4 * MB, partitionLeast: MB, most: 16 * MB };

const sizeOf = (budget = new SizeBudget(192 * MB), bounds = BOUNDS) => new FetchSize(bounds, budget, LIMITS);
/** As much as was asked for, over a line of this round trip at 100 MB a second. */
function fullAnswer(size: FetchSize, rttMs: number | undefined, activePartitions = 1) {
  const bytes = Math.min(size.bytes, size.partitionBytes * activePartitions);
  const elapsedMs = (rttMs ?? 0) + bytes / 100_000;
  return { bytes, largestPartitionBytes: size.partitionBytes, activePartitions, elapsedMs, rttMs };
}

test('over a long way answers grow until the line is busy for a round trip and a half', () => {
  const size = sizeOf();
  for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100));
  expect(size.bytes).toBe(16 * MB);
  expect(size.partitionBytes).toBe(16 * MB);
  const shorter = sizeOf();
  for (let answers = 0; answers < 10; answers++) shorter.answered(fullAnswer(shorter, 40));
  expect(shorter.partitionBytes).toBe(8 * MB);
});

test('nearby, or as long as nobody knows how far it is, answers stay as small as they may be', () => {
  for (const rttMs of [undefined, 1, 19]) {
    const size = sizeOf();
    for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, rttMs));
    expect([size.bytes, size.partitionBytes]).toEqual([4 * MB, MB]);
  }
});

test('several partitions share an answer', () => {
  const size = sizeOf();
  for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100, 8));
  expect([size.bytes, size.partitionBytes]).toEqual([16 * MB, 2 * MB]);
});

test('once there is little to fetch, or the way has become short, the size goes back to the least', () => {
  for (const rttMs of [100, 2]) {
    const size = sizeOf();
    for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100));
    for (let answers = 0; answers < 5; answers++) {
      size.answered({ bytes: 1_000, largestPartitionBytes: 1_000, activePartitions: 1, elapsedMs: rttMs, rttMs });
    }
    expect([size.bytes, size.partitionBytes]).toEqual([4 * MB, MB]);
  }
});

test('all together claim what the budget has and no more, and give it back', () => {
  const budget = new SizeBudget(20 * MB);
  const sizes = [sizeOf(budget), sizeOf(budget), sizeOf(budget)];
  for (let answers = 0; answers < 10; answers++) for (const size of sizes) size.answered(fullAnswer(size, 100));
  const claimed = sizes.reduce((sum, { bytes }) => sum + bytes - BOUNDS.least, 0);
  expect(claimed).toBe(20 * MB);
  for (const size of sizes) size.close();
  expect(budget.claim(100 * MB)).toBe(20 * MB);
});

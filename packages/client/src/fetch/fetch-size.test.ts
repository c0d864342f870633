import { expect, test } from 'vitest';
import { FetchSize, SizeBudget } from './fetch-size.ts';

const MB = 1024 * 1024;
const LIMITS = { adaptiveRttMs: 20, maxFetchesAhead: 64 };
const BOUNDS = { least: 4 * MB, partitionLeast: MB, most: 16 * MB, mostAhead: 32 * MB };

const sizeOf = (budget = new SizeBudget(192 * MB), bounds = BOUNDS) => new FetchSize(bounds, budget, LIMITS);
/** As much as was asked for, over a line of this round trip at 100 MB a second. */
function fullAnswer(size: FetchSize, rttMs: number | undefined, activePartitions = 1) {
  const asked = size.ask(false);
  const bytes = Math.min(asked.bytes, asked.partitionBytes * activePartitions);
  const elapsedMs = (rttMs ?? 0) + bytes / 100_000;
  return { asked, bytes, largestPartitionBytes: asked.partitionBytes, activePartitions, elapsedMs, rttMs };
}

/** The same of one partition where answers follow each other: it waits for those before it. */
function aheadAnswer(size: FetchSize, rttMs: number, bytesPerMs = 250_000) {
  const asked = size.ask(true);
  const elapsedMs = rttMs + (size.aheadFor(1) * asked.partitionBytes) / bytesPerMs;
  return { asked, bytes: MB, largestPartitionBytes: MB, activePartitions: 1, elapsedMs, rttMs };
}

test('over a long way answers grow until the line is busy for a round trip and a half', () => {
  const size = sizeOf();
  for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100));
  expect(size.bytes).toBe(16 * MB);
  expect(size.ask(false).partitionBytes).toBe(16 * MB);
  const shorter = sizeOf();
  for (let answers = 0; answers < 10; answers++) shorter.answered(fullAnswer(shorter, 40));
  expect(shorter.ask(false).partitionBytes).toBe(8 * MB);
});

test('answers that follow each other stay small, and become more until they wait for each other', () => {
  const size = sizeOf();
  const counts = [size.aheadFor(1)];
  for (let answers = 0; answers < 6; answers++) {
    size.answered(aheadAnswer(size, 100));
    counts.push(size.aheadFor(1));
  }
  expect(counts).toEqual([1, 8, 16, 32, 32, 32, 32]);
  expect(size.ask(true)).toEqual({ bytes: 4 * MB, partitionBytes: MB, isAhead: true });
  expect([size.aheadFor(2), size.aheadFor(100)]).toEqual([16, 8]);
  expect([size.aheadFor(1, 10.5 * MB), size.aheadFor(1, 40 * MB)]).toEqual([21, -8]);
  const slow = sizeOf();
  for (let answers = 0; answers < 6; answers++) slow.answered(aheadAnswer(slow, 100, 50_000));
  expect(slow.aheadFor(1)).toBe(8);
});

test('a line that has become slow is not filled further than it can carry off', () => {
  const size = sizeOf();
  for (let answers = 0; answers < 4; answers++) size.answered(aheadAnswer(size, 100));
  for (let answers = 0; answers < 10; answers++) size.answered(aheadAnswer(size, 100, 10_000));
  expect(size.aheadFor(1)).toBe(4);
  for (let answers = 0; answers < 10; answers++) size.answered(aheadAnswer(size, 100, 1_000));
  expect(size.aheadFor(1)).toBe(1);
  for (let answers = 0; answers < 3; answers++) size.answered(aheadAnswer(size, 100));
  expect(size.aheadFor(1)).toBe(32);
});

test('nearby, or as long as nobody knows how far it is, answers stay as small as they may be', () => {
  for (const rttMs of [undefined, 1, 19]) {
    const size = sizeOf();
    for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, rttMs));
    expect([size.bytes, size.ask(false).partitionBytes]).toEqual([4 * MB, MB]);
  }
});

test('several partitions share an answer', () => {
  const size = sizeOf();
  for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100, 8));
  expect([size.bytes, size.ask(false).partitionBytes]).toEqual([16 * MB, 2 * MB]);
});

test('once there is little to fetch, or the way has become short, the size goes back to the least', () => {
  for (const rttMs of [100, 2]) {
    const size = sizeOf();
    for (let answers = 0; answers < 10; answers++) size.answered(fullAnswer(size, 100));
    for (let answers = 0; answers < 5; answers++) {
      size.answered({
        asked: size.ask(false),
        bytes: 1_000,
        largestPartitionBytes: 1_000,
        activePartitions: 1,
        elapsedMs: rttMs,
        rttMs,
      });
    }
    expect([size.bytes, size.ask(false).partitionBytes]).toEqual([4 * MB, MB]);
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

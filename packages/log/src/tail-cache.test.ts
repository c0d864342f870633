import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { TAIL_ENTRY_BYTES } from './limits.ts';
import { createTailBudget } from './tail-budget.ts';
import { TailCache } from './tail-cache.ts';

const { memory } = createSimWorld({ seed: 1 }).node('a').boot();
const push = (cache: TailCache, from: number, size = 1_000) =>
  cache.push(from, from + 1, Buffer.allocUnsafeSlow(size - TAIL_ENTRY_BYTES));

test('written batches are let go of beyond the bound, unwritten ones never', () => {
  const budget = createTailBudget(100_000);
  const cache = new TailCache(3_000, budget, memory);
  for (let offset = 0; offset < 10; offset++) push(cache, offset);
  expect([cache.find(0), budget.usedBytes]).toEqual([0, 10_000]);
  cache.written(6);
  expect(cache.find(5)).toBeUndefined();
  expect(cache.entry(cache.find(6)!)?.nextOffset).toBe(7);
  cache.written(10);
  expect(budget.usedBytes).toBe(3_000);
});

test('when the shared budget runs out, the log that was appended to least recently gives way', () => {
  const budget = createTailBudget(5_000);
  const quiet = new TailCache(10_000, budget, memory);
  const busy = new TailCache(10_000, budget, memory);
  for (let offset = 0; offset < 4; offset++) push(quiet, offset);
  quiet.written(4);
  for (let offset = 0; offset < 3; offset++) push(busy, offset);
  expect(quiet.find(0)).toBeUndefined();
  expect(busy.find(0)).toBe(0);
  expect(budget.usedBytes).toBe(5_000);
  busy.clear();
  expect(budget.usedBytes).toBe(2_000);
});

test('a small slice of a large frame is copied, so that it does not hold on to the frame', () => {
  const cache = new TailCache(100_000, createTailBudget(100_000), memory);
  const frame = Buffer.alloc(100_000, 7);
  cache.push(0, 1, frame.subarray(0, 100));
  cache.push(1, 2, frame.subarray(100, 60_000));
  expect(cache.entry(0)?.buffer.buffer.byteLength).toBe(100);
  expect(cache.entry(1)?.buffer.buffer).toBe(frame.buffer);
});

import { expect, test } from 'vitest';
import { LagClock } from './lag-clock.ts';

test('the age of a lag is how long its oldest missing offset has been known', () => {
  const clock = new LagClock({ lagMarks: 64, lagMarkEveryMs: 100 });
  clock.observe(10, 0, 1_000);
  clock.observe(20, 0, 2_000);
  expect(clock.lagMs(3_000)).toBe(2_000);
  clock.arrive(10);
  expect(clock.lagMs(3_000)).toBe(1_000);
  clock.arrive(20);
  expect(clock.lagMs(3_000)).toBe(0);
});

test('with few marks left the age is told too old rather than too young', () => {
  const clock = new LagClock({ lagMarks: 2, lagMarkEveryMs: 0 });
  for (let end = 1; end <= 10; end++) clock.observe(end, 0, end * 1_000);
  clock.arrive(5);
  expect(clock.lagMs(11_000)).toBe(9_000);
});

/** The bucket of throttled replicas. */
import { expect, test } from 'vitest';
import { Throttle } from './throttle.ts';

function throttleOf(bytesPerSecond: number) {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  let rate = bytesPerSecond;
  return { clock, throttle: new Throttle(clock, () => rate), setRate: (next: number) => void (rate = next) };
}

test('an answer may overdraw, and the next ones wait until that is made good', () => {
  const { clock, throttle } = throttleOf(1_000);
  expect(throttle.isExceeded).toBe(false);
  throttle.note(3_000);
  clock.nowMs = 2_000;
  expect(throttle.isExceeded).toBe(true);
  clock.nowMs = 2_001;
  expect(throttle.isExceeded).toBe(false);
});

test('what was not used is kept for a second, not longer', () => {
  const { clock, throttle } = throttleOf(1_000);
  clock.nowMs = 60_000;
  throttle.note(1_000);
  expect(throttle.isExceeded).toBe(true);
});

test('over a longer time no more goes through than the rate says', () => {
  const { clock, throttle } = throttleOf(10_000);
  let sent = 0;
  for (; clock.nowMs < 20_000; clock.nowMs += 7) {
    if (throttle.isExceeded) continue;
    throttle.note(1_500);
    sent += 1_500;
  }
  expect(sent).toBeLessThanOrEqual(10_000 * 21 + 1_500);
  expect(sent).toBeGreaterThan(10_000 * 20 - 1_500);
});

test('a rate that is changed counts at once', () => {
  const { clock, throttle, setRate } = throttleOf(1_000);
  throttle.note(5_000);
  setRate(1_000_000);
  clock.nowMs = 5;
  expect(throttle.isExceeded).toBe(false);
  setRate(0);
  clock.nowMs = 10_000;
  throttle.note(1);
  expect(throttle.isExceeded).toBe(true);
});

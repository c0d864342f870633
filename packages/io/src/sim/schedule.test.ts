/** Virtual time: order, cancelling, exactness. */
import { expect, test } from 'vitest';
import { Schedule } from './schedule.ts';
import { below, createSeededRandom } from './seeded-random.ts';

test('events run by time, and within an instant in the order of arming', () => {
  const schedule = new Schedule();
  const random = createSeededRandom(1, 'test');
  const ran: [number, number][] = [];
  for (let order = 0; order < 5000; order++) {
    const delayMs = below(random, 300);
    const timer = schedule.after(delayMs, () => ran.push([delayMs, order]));
    if (order % 3 === 0) timer.cancel();
  }
  while (schedule.runNext(1000));
  const expected = ran.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  expect(ran).toEqual(expected);
  expect(ran.length).toBe(5000 - Math.ceil(5000 / 3));
});

test('time stops at the limit, and what is later stays for the next run', () => {
  const schedule = new Schedule();
  let ranAtMs = 0;
  schedule.after(10, () => {
    ranAtMs = schedule.now();
  });
  expect(schedule.runNext(9)).toBe(false);
  expect(schedule.now()).toBe(9);
  expect(schedule.runNext(20)).toBe(true);
  expect(ranAtMs).toBe(10);
  expect(schedule.runNext(20)).toBe(false);
  expect(schedule.now()).toBe(20);
});

test('a delay is never cut short by rounding, and sums stay exact', () => {
  const schedule = new Schedule();
  const random = createSeededRandom(2, 'test');
  for (let round = 0; round < 1000; round++) {
    const dueMs = schedule.now() + random.next() * 10;
    schedule.after(dueMs - schedule.now(), () => {});
    schedule.runNext(Number.MAX_SAFE_INTEGER);
    expect(schedule.now()).toBeGreaterThanOrEqual(dueMs);
    expect((schedule.now() * 1024) % 1).toBe(0);
  }
});

test('thousands of cancelled timers are swept out without touching the living', () => {
  const schedule = new Schedule();
  let ran = 0;
  for (let round = 0; round < 20_000; round++) {
    const timer = schedule.after(30_000, () => ran++);
    if (round % 100 !== 0) timer.cancel();
  }
  while (schedule.runNext(40_000));
  expect(ran).toBe(200);
});

test('code that spins without letting time pass is found out', () => {
  const schedule = new Schedule();
  const spin = (): void => void schedule.after(0, spin);
  spin();
  expect(() => {
    while (schedule.runNext(1));
  }).toThrow('virtual time stands still');
});

import { expect, test } from 'vitest';
import { planFaults } from './fault-plan.ts';

const MINUTES_MS = 5 * 60_000;

test('the same seed gives the same plan, another seed another', () => {
  expect(planFaults(7, MINUTES_MS)).toEqual(planFaults(7, MINUTES_MS));
  expect(planFaults(7, MINUTES_MS)).not.toEqual(planFaults(8, MINUTES_MS));
});

test('five minutes have every kind of fault, all of them over in time', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const plan = planFaults(seed, MINUTES_MS);
    const isAll = (kinds: string[]): boolean =>
      plan.some(({ fault }) => fault.kind !== 'cut' && kinds.includes(fault.kind) && fault.nodes.length === 3);
    expect(new Set(plan.map(({ fault }) => fault.kind))).toEqual(new Set(['kill', 'pause', 'restart', 'cut']));
    expect(isAll(['kill', 'restart'])).toBe(true);
    expect(plan.length).toBeGreaterThan(25);
    for (const { atMs, durationMs } of plan) expect(atMs + durationMs).toBeLessThanOrEqual(MINUTES_MS);
  }
});

test('a cut names a way once, and never a node with itself', () => {
  const cuts = planFaults(3, MINUTES_MS).flatMap(({ fault }) => (fault.kind === 'cut' ? [fault.directions] : []));
  for (const directions of cuts) {
    expect(new Set(directions.map(({ from, to }) => `${from}>${to}`)).size).toBe(directions.length);
    for (const { from, to } of directions) expect(from).not.toBe(to);
  }
});

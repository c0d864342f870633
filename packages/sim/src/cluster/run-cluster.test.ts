import { expect, test } from 'vitest';
import { runCluster } from './run-cluster.ts';

/** Seeds that showed a bug once, and what it was. */
const REGRESSIONS: [seed: number, showed: string][] = [
  [4, 'a broker whose disk was wiped never had its replicas again'],
];

test.each([[1, 'a storm'], ...REGRESSIONS])('seed %i holds every invariant, and heals (%s)', async (seed) => {
  const report = await runCluster(seed);
  expect(report.violations).toEqual([]);
  expect(report.events).toBeGreaterThan(20_000);
  expect(Object.values(report.faults).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(30);
});

test('the same seed gives the same run', async () => {
  const [first, again] = [await runCluster(2, { maxFaults: 5 }), await runCluster(2, { maxFaults: 5 })];
  expect(again).toEqual(first);
});

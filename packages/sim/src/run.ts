/**
 * One simulated run: start the cluster, let clients work through a storm of faults, heal, wait until everything has
 * converged, read what is stored and hand it to the checkers. Called by `main.ts` and by the tests.
 * Invariant: the report depends on the seed alone.
 */
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { acknowledgedStored } from './checkers/acknowledged-stored.ts';
import type { Checker, Outcome } from './checkers/checker.ts';
import { copiesEqualOrigins } from './checkers/copies-equal-origins.ts';
import { readersMissNothing } from './checkers/readers-miss-nothing.ts';
import { readersToldTruth } from './checkers/readers-told-truth.ts';
import { storedOnce } from './checkers/stored-once.ts';
import { writersInOrder } from './checkers/writers-in-order.ts';
import { armFaults } from './faults.ts';
import { createGeoCluster, type GeoCluster } from './geo-cluster.ts';
import { emptyLedger, type Ledger } from './ledger.ts';
import { LIMITS } from './limits.ts';
import { countRecords } from './stored.ts';
import { startWorkload, type Workload } from './workload/workload.ts';

const CHECKERS: Readonly<Record<string, Checker>> = {
  acknowledgedStored,
  copiesEqualOrigins,
  readersMissNothing,
  readersToldTruth,
  storedOnce,
  writersInOrder,
};

export interface Report {
  seed: number;
  hash: string;
  /** Virtual milliseconds until everything had converged. */
  tookMs: number;
  violations: string[];
  acknowledged: number;
  delivered: number;
  faults: ReadonlyMap<string, number>;
}

export async function runSeed(seed: number, onTrace?: (line: string) => void): Promise<Report> {
  const world = createSimWorld({ seed, ...(onTrace ? { onTrace } : {}) });
  const cluster = createGeoCluster(world);
  const ledger = emptyLedger();
  const faults = new Map<string, number>();
  const violations: string[] = [];
  try {
    violations.push(...(await storm(world, cluster, ledger, faults)));
  } catch (error) {
    violations.push(`the run broke: ${(error as Error).stack}`);
  }
  return {
    seed,
    hash: world.traceHash(),
    tookMs: Math.round(world.now()),
    violations,
    acknowledged: ledger.acknowledged.length,
    delivered: ledger.readers.reduce((sum, { delivered }) => sum + delivered.length, 0),
    faults,
  };
}

async function storm(
  world: SimWorld,
  cluster: GeoCluster,
  ledger: Ledger,
  faults: Map<string, number>,
): Promise<string[]> {
  cluster.start();
  if (!(await world.runUntil(() => cluster.allReady(), LIMITS.startMs))) return ['the cluster did not start'];
  const workload = await world.settle(startWorkload(world, cluster, ledger));
  const heal = armFaults(world, cluster, faults);
  await world.run(world.now() + LIMITS.stormMs);
  heal();
  world.trace('healed');
  const written = await world.runUntil(() => workload.writersDone() && cluster.allReady(), LIMITS.convergeMs);
  if (!written) return ['writers were not done, or not everything ran, within the time to converge'];
  const stored = await converged(world, cluster, ledger, workload);
  if (stored === undefined) return [`readers had not everything within the time to converge: ${workload.progress()}`];
  return Object.entries(CHECKERS).flatMap(([name, check]) => check(stored).map((what) => `${name}: ${what}`));
}

/** What is stored, once every copy is as long as its origin and every reader has as many messages as there are. */
async function converged(
  world: SimWorld,
  cluster: GeoCluster,
  ledger: Ledger,
  workload: Workload,
): Promise<Outcome | undefined> {
  const deadline = world.now() + LIMITS.convergeMs;
  for (;;) {
    const outcome = await world.settle(cluster.readAll(ledger), LIMITS.convergeMs).catch(() => undefined);
    if (outcome !== undefined && copiesHaveAll(outcome) && workload.readersHave(outcome)) return outcome;
    if (world.now() > deadline) return outcome;
    await world.run(world.now() + 500);
  }
}

function copiesHaveAll({ origins, copies }: Outcome): boolean {
  return countRecords(copies.map(({ stored }) => stored)) >= countRecords(origins);
}

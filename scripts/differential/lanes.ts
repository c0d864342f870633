/**
 * Runs many scripts, several at a time: each lane has connections of its own, each script names of its own. A script that
 * differs is run again when all others are done, with few beside it: what does not differ then was a matter of time on a busy machine,
 * and is counted as such. Called by `differential.ts`.
 */

import type { Ports } from './brokers.ts';
import { kindOfRan, type Ran } from './ran.ts';
import { type Outcome, runScript } from './run-script.ts';
import { drawScript } from './script.ts';
import type { Pair } from './settle.ts';
import { Side } from './side.ts';

const TOLD_EVERY = 100;
/** Few enough not to be in each other's way. */
const AGAIN_LANES = 3;

export interface Results {
  readonly steps: number;
  readonly agreed: number;
  /** Agreed when they were run again. */
  readonly unsteady: readonly Ran[];
  readonly differing: readonly Ran[];
  /** How often each API was left out because one of the two does not serve the version. */
  readonly skipped: ReadonlyMap<string, number>;
  /** How many scripts met each meant difference. */
  readonly meant: ReadonlyMap<string, number>;
}

export async function runScripts(ports: Ports, firstSeed: number, count: number, lanes: number): Promise<Results> {
  const all: Ran[] = [];
  let next = firstSeed;
  const lane = async () => {
    const pair = pairAt(ports);
    while (next < firstSeed + count) {
      all.push(await runSeed(next++, pair, ''));
      if (all.length % TOLD_EVERY === 0) console.log(`# ${all.length} of ${count} scripts`);
    }
    endPair(pair);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, lane));
  const failed = all.filter(({ outcome }) => outcome.failure !== undefined);
  console.log(`# ${failed.length} scripts are run again, a few at a time`);
  for (const ran of failed) console.log(`# script ${ran.seed}: ${kindOfRan(ran)}`);
  const unsteady: Ran[] = [];
  const differing: Ran[] = [];
  const again = async () => {
    const pair = pairAt(ports);
    for (let first = failed.pop(); first !== undefined; first = failed.pop()) {
      const ran = await runSeed(first.seed, pair, 'again');
      if (ran.outcome.failure === undefined) unsteady.push(first);
      else differing.push(ran);
    }
    endPair(pair);
  };
  await Promise.all(Array.from({ length: AGAIN_LANES }, again));
  return {
    steps: all.reduce((sum, { outcome }) => sum + outcome.ran, 0),
    agreed: all.length - unsteady.length - differing.length,
    unsteady,
    differing,
    skipped: counted(all, ({ skipped }) => skipped),
    meant: counted(all, ({ meant }) => meant),
  };
}

export function pairAt({ ours, theirs }: Ports): Pair {
  return { ours: new Side('Meridian', ours), theirs: new Side('Apache Kafka', theirs) };
}

export function endPair({ ours, theirs }: Pair): void {
  ours.end();
  theirs.end();
}

async function runSeed(seed: number, pair: Pair, label: string): Promise<Ran> {
  const script = drawScript(seed, Date.now(), label);
  return { seed, script, outcome: await runScript(script.steps, pair, script.topics) };
}

function counted(all: readonly Ran[], namesOf: (outcome: Outcome) => Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { outcome } of all) {
    for (const name of namesOf(outcome)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * `npm run fuzz -- UNIT|all [--runs N] [--seed S]`: feeds mutated inputs to a unit, a file `UNIT.fuzz.ts` anywhere in the
 * tree that exports `fuzz(bytes)` and perhaps `corpus()`. Without a unit it lists them. The same seed gives the same
 * inputs; on a fault it prints seed, execution and input and ends with code 1.
 */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FuzzUnit, runFuzz } from './fuzz/run-fuzz.ts';

const ROOT = join(import.meta.dirname, '..');
const DEFAULT_RUNS = 100_000;

function findUnits(): Map<string, string> {
  const files = globSync(['apps/*/src/**/*.fuzz.ts', 'packages/*/src/**/*.fuzz.ts'], { cwd: ROOT }).sort();
  return new Map(files.map((file) => [basename(file, '.fuzz.ts'), join(ROOT, file)]));
}

function wholeNumber(text: string | undefined, name: string, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`--${name} takes a whole number, not ${text}`);
  return value;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string' }, seed: { type: 'string' } },
  });
  const units = findUnits();
  const name = positionals[0];
  const chosen = [...units].filter(([unit]) => name === 'all' || unit === name);
  if (chosen.length === 0) {
    console.error(`usage: npm run fuzz -- UNIT|all [--runs N] [--seed S]\nunits: ${[...units.keys()].join(', ')}`);
    return name === undefined ? 0 : 2;
  }
  const seed = wholeNumber(values.seed, 'seed', Date.now() % 2 ** 31);
  const runs = wholeNumber(values.runs, 'runs', DEFAULT_RUNS);
  let faults = 0;
  for (const [unit, file] of chosen) faults += await fuzzUnit(unit, file, runs, seed);
  console.log(`${chosen.length - faults} passed, ${faults} failed`);
  return faults === 0 ? 0 : 1;
}

/** 1 if there was a fault. */
async function fuzzUnit(unit: string, file: string, runs: number, seed: number): Promise<number> {
  const fault = await runFuzz((await import(file)) as FuzzUnit, { runs, seed });
  if (fault === undefined) {
    console.log(`${unit}: seed ${seed}, ${runs} executions, no fault`);
    return 0;
  }
  console.error(`${unit}: seed ${seed}, fault in execution ${fault.execution}\ninput ${fault.input.toString('hex')}`);
  console.error(fault.error);
  return 1;
}

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message);
  return 2;
});

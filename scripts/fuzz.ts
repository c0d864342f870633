/**
 * `npm run fuzz -- UNIT…|all [--runs N] [--seed S] [--workers W]`: feeds hostile inputs to units, files `UNIT.fuzz.ts`
 * anywhere in the tree (see `fuzz/run-fuzz.ts` for what they export). Without a unit it lists them. The same seed gives
 * the same inputs; on a fault it prints seed, execution and input and ends with code 1. Several units run in processes of
 * their own, W at a time.
 */
import { parseArgs } from 'node:util';
import { type FuzzUnit, runFuzz } from './fuzz/run-fuzz.ts';
import { findUnits } from './fuzz/units.ts';
import { fuzzApart } from './fuzz/workers.ts';

const DEFAULT_RUNS = 100_000;
const DEFAULT_WORKERS = 2;
/** Of a long input the rest is found again by the seed. */
const MAX_SHOWN_CHARS = 4_000;

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
    options: { runs: { type: 'string' }, seed: { type: 'string' }, workers: { type: 'string' } },
  });
  const units = await findUnits();
  const chosen = positionals[0] === 'all' ? [...units.keys()] : positionals;
  const unknown = chosen.find((name) => !units.has(name));
  if (chosen.length === 0 || unknown !== undefined) {
    console.error(`usage: npm run fuzz -- UNIT…|all [--runs N] [--seed S] [--workers W]`);
    console.error(`${unknown === undefined ? '' : `no unit ${unknown}; `}units: ${[...units.keys()].join(', ')}`);
    return unknown === undefined ? 0 : 2;
  }
  const seed = wholeNumber(values.seed, 'seed', Date.now() % 2 ** 31);
  const runs = wholeNumber(values.runs, 'runs', DEFAULT_RUNS);
  const workers = Math.max(1, wholeNumber(values.workers, 'workers', DEFAULT_WORKERS));
  const [only] = chosen;
  if (chosen.length === 1) return fuzzUnit(only!, units.get(only!)!, runs, seed);
  const faulty = await fuzzApart(chosen, { runs, seed, workers });
  for (const name of faulty) console.error(`failed: ${name}`);
  console.log(`${chosen.length - faulty.length} passed, ${faulty.length} failed`);
  return faulty.length === 0 ? 0 : 1;
}

/** 1 if there was a fault. */
async function fuzzUnit(name: string, unit: FuzzUnit, runs: number, seed: number): Promise<number> {
  const begun = performance.now();
  const fault = await runFuzz(unit, { runs, seed });
  if (fault === undefined) {
    const seconds = Math.round((performance.now() - begun) / 1_000);
    console.log(`${name}: seed ${seed}, ${runs} executions in ${seconds} s, no fault`);
    return 0;
  }
  const input = fault.input.toString('hex').slice(0, MAX_SHOWN_CHARS);
  console.error(`${name}: seed ${seed}, fault in execution ${fault.execution}, ${fault.input.length} bytes\n${input}`);
  console.error(fault.error);
  return 1;
}

process.exitCode = await main().catch((error: Error) => {
  console.error(error.message);
  return 2;
});

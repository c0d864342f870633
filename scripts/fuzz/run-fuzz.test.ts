/** The fuzzing loop itself, and a short run of every unit in the tree. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FuzzUnit, runFuzz } from './run-fuzz.ts';

const ROOT = join(import.meta.dirname, '../..');
const SHORT_RUNS = 3_000;
const units = globSync(['apps/*/src/**/*.fuzz.ts', 'packages/*/src/**/*.fuzz.ts'], { cwd: ROOT }).sort();

test.each(units)('%s finds no fault in a short run', async (file) => {
  const unit = (await import(join(ROOT, file))) as FuzzUnit;
  expect(await runFuzz(unit, { runs: SHORT_RUNS, seed: 42 })).toBeUndefined();
});

test('the same seed gives the same inputs, another seed others', async () => {
  const inputsOf = async (seed: number) => {
    const inputs: string[] = [];
    await runFuzz(
      { corpus: () => [Buffer.from('some input')], fuzz: (input) => void inputs.push(input.toString('hex')) },
      { runs: 200, seed },
    );
    return inputs.join();
  };
  expect(await inputsOf(7)).toBe(await inputsOf(7));
  expect(await inputsOf(7)).not.toBe(await inputsOf(8));
});

test('a fault is reported with its execution and input', async () => {
  const fuzz = (input: Buffer) => {
    if (input.length > 12) throw new Error('too long');
  };
  const fault = await runFuzz({ corpus: () => [Buffer.alloc(10)], fuzz }, { runs: 10_000, seed: 1 });
  expect(fault?.input.length).toBeGreaterThan(12);
  expect(fault?.execution).toBeGreaterThan(1);
});

/** The fuzzing loop itself, and a short run of every unit in the tree. */
import { expect, test } from 'vitest';
import { runFuzz } from './run-fuzz.ts';
import { findUnits } from './units.ts';

const SHORT_RUNS = 300;
const units = await findUnits();

test.each([...units])('%s finds no fault in a short run', async (_name, unit) => {
  expect(await runFuzz(unit, { runs: SHORT_RUNS, seed: 42 })).toBeUndefined();
});

test('the same seed gives the same inputs, another seed others', async () => {
  const inputsOf = async (seed: number) => {
    // What is suspected of taking memory runs twice.
    const inputs = new Set<string>();
    await runFuzz(
      { corpus: () => [Buffer.from('some input')], fuzz: (input) => void inputs.add(input.toString('hex')) },
      { runs: 200, seed },
    );
    return [...inputs].join();
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

/** A decoder whose result takes so many objects for each byte. */
const greedy = (objects: number) => (input: Buffer) =>
  Array.from({ length: input.length * objects }, (_, at) => ({ at, input }));
const LONG = Buffer.alloc(60_000);

test('a decoder that holds more than eight times its input is a fault, one that holds less is not', async () => {
  const run = (objects: number) => runFuzz({ corpus: () => [LONG], fuzz: greedy(objects) }, { runs: 1, seed: 1 });
  expect(String((await run(1))?.error)).toMatch(/bytes held for an input of 60000/);
  expect(await run(0.05)).toBeUndefined();
});

test('garbage alone is no fault, unless it is very much', async () => {
  const garbage = (rounds: number) => (input: Buffer) => {
    for (let round = 0; round < rounds; round++) greedy(0.5)(input);
  };
  const run = (rounds: number) => runFuzz({ corpus: () => [LONG], fuzz: garbage(rounds) }, { runs: 1, seed: 1 });
  expect(await run(1)).toBeUndefined();
  expect(String((await run(20))?.error)).toMatch(/bytes of garbage/);
});

test('what stays of the first calls only, as compiled code does, is no fault', async () => {
  const kept: unknown[] = [];
  const warmUp = (calls: number) => (input: Buffer) => void (kept.length < calls && kept.push(greedy(1)(input)));
  const run = (calls: number) => runFuzz({ corpus: () => [LONG], fuzz: warmUp(calls) }, { runs: 1, seed: 1 });
  expect(await run(4)).toBeUndefined();
  expect(String((await run(100))?.error)).toMatch(/bytes held/);
});

test('a unit may make up inputs by the rules of its format', async () => {
  const seen = new Set<string>();
  const unit = { lie: () => Buffer.from('lie'), fuzz: (input: Buffer) => void seen.add(input.toString()) };
  expect(await runFuzz(unit, { runs: 100, seed: 1 })).toBeUndefined();
  expect(seen).toContain('lie');
});

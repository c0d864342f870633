import { expect, test } from 'vitest';
import { Batched } from './batched.ts';

test('what is asked in one turn is put together, up to so many, and each has its own answer', async () => {
  const rounds: number[][] = [];
  const doubled = new Batched<number, number>(2, async (asked) => {
    rounds.push([...asked]);
    return asked.map((each) => 2 * each);
  });
  expect(await Promise.all([1, 2, 3].map((each) => doubled.ask(each)))).toEqual([2, 4, 6]);
  expect(await doubled.ask(4)).toBe(8);
  expect(rounds).toEqual([[1, 2], [3], [4]]);
});

test('what fails fails for those that were put together with it, and not for the next', async () => {
  let fails = true;
  const batched = new Batched<number, number>(10, async (asked) => {
    if (fails) throw new Error('nobody there');
    return asked;
  });
  const both = await Promise.allSettled([batched.ask(1), batched.ask(2)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  expect(await batched.ask(3)).toBe(3);
});

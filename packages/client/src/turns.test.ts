import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('so many run at once, the others in their order, and one that fails makes room as well', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const calls = Array.from({ length: 5 }, (_, index) =>
    turns.run(`call ${index}`, undefined, () => {
      begun.push(index);
      return new Promise<number>((resolve, reject) => {
        ends[index] = () => (index === 1 ? reject(new Error('no')) : resolve(index));
      });
    }),
  );
  const outcomes = Promise.allSettled(calls);
  const settle = () => new Promise((done) => setImmediate(done));
  await settle();
  expect(begun).toEqual([0, 1]);
  ends[1]!();
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  for (const index of [0, 2, 3, 4]) {
    ends[index]!();
    await settle();
  }
  expect((await outcomes).map(({ status }) => status === 'fulfilled')).toEqual([true, false, true, true, true]);
});

test('one that was cancelled while it waited does not begin', async () => {
  const turns = new Turns(1);
  const cancel = new AbortController();
  let end = (): void => {};
  const first = turns.run('first', undefined, () => new Promise<void>((resolve) => (end = resolve)));
  let hasBegun = false;
  const second = turns.run('second', cancel.signal, async () => {
    hasBegun = true;
  });
  cancel.abort();
  end();
  await first;
  await expect(second).rejects.toMatchObject({ code: 'cancelled' });
  expect(hasBegun).toBe(false);
});

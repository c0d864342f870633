/** The end of a turn, and what happens when a turn's time is spent. */
import { expect, test } from 'vitest';
import { Turn } from './turn.ts';

function turns() {
  const deferred: (() => void)[] = [];
  const turn = new Turn({ defer: (run) => void deferred.push(run) }, 20);
  const seen: string[] = [];
  const task = (name: string, workMs = 0, again = 0) => {
    let left = again;
    const made = {
      endOfTurn: () => {
        seen.push(name);
        turn.worked(workMs);
        if (left-- > 0) turn.add(made);
      },
    };
    return made;
  };
  const next = (): string => {
    seen.length = 0;
    for (const run of deferred.splice(0)) run();
    return seen.join(' ');
  };
  return { turn, task, next };
}

test('all tasks have their turn, once', () => {
  const { turn, task, next } = turns();
  for (const name of ['a', 'b']) turn.add(task(name, 5));
  expect(next()).toBe('a b');
  expect(next()).toBe('');
});

test('a task that spends the turn puts the others off, but never behind itself', () => {
  const { turn, task, next } = turns();
  turn.add(task('heavy', 30, 2));
  turn.add(task('light'));
  expect(next()).toBe('heavy');
  expect(turn.isSpent).toBe(true);
  expect(next()).toBe('light heavy');
  expect(next()).toBe('heavy');
  expect(next()).toBe('');
});

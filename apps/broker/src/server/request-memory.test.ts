/** Who may go on reading when memory for requests is short. */
import { expect, test } from 'vitest';
import { RequestMemory } from './request-memory.ts';

function user(memory: RequestMemory, onTurn: () => void = () => {}) {
  const made = { turns: 0, readOn: () => void made.turns++ };
  return { ...made, readOn: onTurn, asks: () => memory.mayGrow(made), ends: () => memory.finished(made), self: made };
}

test('while there is enough, everybody grows', () => {
  const memory = new RequestMemory(100);
  const [one, other] = [user(memory), user(memory)];
  memory.add(99);
  expect([one.asks(), other.asks()]).toEqual([true, true]);
});

test('when memory is short one grows to its end, the others in the order of asking', () => {
  const memory = new RequestMemory(100);
  memory.add(100);
  const [one, two, three] = [user(memory), user(memory), user(memory)];
  expect([one.asks(), two.asks(), three.asks(), one.asks()]).toEqual([true, false, false, true]);
  one.ends();
  expect([two.self.turns, three.self.turns]).toEqual([1, 0]);
  expect(two.asks()).toBe(true);
  two.ends();
  expect(three.self.turns).toBe(1);
});

test('memory that returns lets all go on, as far as it reaches', () => {
  const memory = new RequestMemory(100);
  memory.add(150);
  const greedy = { readOn: () => memory.add(60) };
  const [first, last] = [user(memory), user(memory)];
  first.asks();
  expect([memory.mayGrow(greedy), last.asks()]).toEqual([false, false]);
  memory.add(-100);
  expect(memory.heldBytes).toBe(110);
  expect(last.self.turns).toBe(0);
  memory.add(-20);
  expect(last.self.turns).toBe(1);
});

test('who is gone keeps nobody waiting', () => {
  const memory = new RequestMemory(100);
  memory.add(100);
  const [one, two, three] = [user(memory), user(memory), user(memory)];
  for (const each of [one, two, three]) each.asks();
  memory.forget(two.self);
  memory.forget(one.self);
  expect([two.self.turns, three.self.turns]).toEqual([0, 1]);
});

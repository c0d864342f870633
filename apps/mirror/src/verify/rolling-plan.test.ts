import { expect, test } from 'vitest';
import { RollingPlan } from './rolling-plan.ts';

const at = (key: string, position: number) => ({ key, position });
const planOf = () => new RollingPlan({ windowOffsets: 10, backlogOffsets: 100 });

test('what was there before is not compared, what comes is', () => {
  const plan = planOf();
  expect(plan.next([at('a', 50), at('b', -1)])).toBeUndefined();
  expect(plan.next([at('a', 55), at('b', 0)])).toEqual({ index: 0, from: 50 });
  expect(plan.next([at('a', 50), at('b', 3)])).toEqual({ index: 1, from: 0 });
});

test('partitions with something new take turns', () => {
  const plan = planOf();
  plan.next([at('a', 0), at('b', 0), at('c', 0)]);
  const moved = [at('a', 30), at('b', 0), at('c', 30)];
  const turns = [1, 2, 3, 4].map(() => plan.next(moved)?.index);
  expect(turns).toEqual([0, 2, 0, 2]);
});

test('nothing new is left once it is compared', () => {
  const plan = planOf();
  plan.next([at('a', 0)]);
  plan.compared('a', 30);
  expect(plan.next([at('a', 30)])).toBeUndefined();
});

test('far behind, only the newest window is looked at', () => {
  const plan = planOf();
  plan.next([at('a', 0)]);
  expect(plan.next([at('a', 1_000)])).toEqual({ index: 0, from: 990 });
});

test('a copy that was cut is compared from its new end on', () => {
  const plan = planOf();
  plan.next([at('a', 50)]);
  plan.next([at('a', 20)]);
  expect(plan.next([at('a', 25)])).toEqual({ index: 0, from: 20 });
});

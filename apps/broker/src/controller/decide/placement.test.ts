/** Where replicas of new partitions go: over racks, then over brokers, fenced ones last. */
import { expect, test } from 'vitest';
import { placeReplicas } from './placement.ts';
import { fence, heartbeat, registration, type Scenario, scenario } from './scenario.ts';

/** Brokers by rack; ids count up. */
function racks(...sizes: Record<string, number>[]): Scenario {
  const at = scenario([]);
  let id = 0;
  for (const [rack, size] of sizes.flatMap((each) => Object.entries(each))) {
    for (let i = 0; i < size; i++) {
      at.run({ ...registration(++id), rack: rack === 'none' ? null : rack });
      at.run(heartbeat(at, id));
    }
  }
  return at;
}

function counted(values: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

test('every partition has a replica in each rack, and every broker leads as much as the others', () => {
  const at = racks({ a: 2, b: 2, c: 2 });
  const rackOf = (id: number) => at.image.brokers.get(id)!.rack;
  const placed = placeReplicas(at.image, 12, 3, () => 0);
  for (const replicas of placed) expect(new Set(replicas.map(rackOf)).size).toBe(3);
  expect(counted(placed.map(([leader]) => leader!))).toEqual({ 1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2 });
  expect(counted(placed.flat())).toEqual({ 1: 6, 2: 6, 3: 6, 4: 6, 5: 6, 6: 6 });
});

test('with more replicas than racks no broker has two, and racks have one more than others at most', () => {
  const at = racks({ a: 3, b: 2 });
  for (const replicas of placeReplicas(at.image, 10, 4, () => 0.7)) {
    expect(new Set(replicas).size).toBe(4);
    expect(replicas.filter((id) => id <= 3).length).toBe(2);
  }
});

test('without racks leaders and followers go round', () => {
  const at = racks({ none: 3 });
  expect(placeReplicas(at.image, 6, 2, () => 0)).toEqual([
    [1, 2],
    [2, 3],
    [3, 1],
    [1, 3],
    [2, 1],
    [3, 2],
  ]);
});

test('brokers that are fenced or shut down are taken last in their rack, and never lead', () => {
  const at = racks({ a: 2, b: 1, c: 2 });
  fence(at, 1);
  fence(at, 3);
  at.image.brokers.set(4, { ...at.image.brokers.get(4)!, inControlledShutdown: true });
  for (const replicas of placeReplicas(at.image, 8, 3, () => 0.3)) {
    expect([2, 5]).toContain(replicas[0]);
    expect([...replicas].sort()).toEqual([2, 3, 5]);
  }
});

test('more replicas than brokers, or nobody who is not fenced, is refused', () => {
  const at = racks({ a: 2 });
  expect(() => placeReplicas(at.image, 1, 3, () => 0)).toThrow('only 2 broker(s) are registered');
  fence(at, 1);
  fence(at, 2);
  expect(() => placeReplicas(at.image, 1, 1, () => 0)).toThrow('All brokers are currently fenced.');
});

import { expect, test } from 'vitest';
import { ownerOf, partitionUnit } from './rendezvous.ts';
import { Share } from './share.ts';

const UNITS = Array.from({ length: 1_000 }, (_, index) => partitionUnit('a-b', 'id', index));
const assigned = (members: string[], self = 'm1') => ({ type: 'assigned', self, members }) as const;

function alone(): Share {
  const share = new Share('m1', 5_000);
  share.step({ type: 'empty' });
  return share;
}

test('every unit has one owner, about as many each, and only those of a member that went change hands', () => {
  const before = UNITS.map((unit) => ownerOf(unit, ['m1', 'm2', 'm3']));
  for (const member of ['m1', 'm2', 'm3']) {
    const count = before.filter((owner) => owner === member).length;
    expect(count).toBeGreaterThan(250);
  }
  const after = UNITS.map((unit) => ownerOf(unit, ['m3', 'm1']));
  expect(before.every((owner, at) => owner === 'm2' || owner === after[at])).toBe(true);
  expect(ownerOf('x', [])).toBeUndefined();
});

test('where nobody else is, a mirror begins with everything, and gives up what is others’ when it hears of them', () => {
  const share = alone();
  expect(UNITS.every((unit) => share.owns(unit))).toBe(true);
  expect(share.step(assigned(['m1']))).toBe(true);
  expect(share.step(assigned(['m1', 'm2']))).toBe(true);
  expect(share.step(assigned(['m1', 'm2']))).toBe(false);
  const owned = UNITS.filter((unit) => share.owns(unit)).length;
  expect(owned).toBeGreaterThan(300);
  expect(owned).toBeLessThan(700);
});

test('where others are, it waits for its share', () => {
  const share = new Share('m1', 5_000);
  expect([share.owns('x'), share.reason]).toEqual([false, 'waits for its share of the work']);
  expect(share.step({ type: 'lost', reason: 'no answer' })).toBe(false);
  share.step({ type: 'empty' });
  expect([share.owns('x'), share.state]).toEqual([true, 'alone']);
  share.step(assigned(['m1', 'm2']));
  expect(share.step({ type: 'empty' })).toBe(false);
});

test('a lease that is too old stops everything until there is an answer or a new assignment', () => {
  const share = alone();
  expect(share.step({ type: 'lease', ageMs: Number.POSITIVE_INFINITY })).toBe(false);
  share.step(assigned(['m1', 'm2']));
  expect(share.step({ type: 'lease', ageMs: 5_000 })).toBe(false);
  expect(share.step({ type: 'lease', ageMs: 5_001 })).toBe(true);
  expect([share.owns('x'), share.reason]).toEqual([false, 'lost its lease: no answer to a heartbeat for 5 s']);
  expect(share.step({ type: 'lease', ageMs: Number.POSITIVE_INFINITY })).toBe(false);
  expect(share.step({ type: 'lease', ageMs: 20 })).toBe(true);
  share.step(assigned(['m1']));
  expect(share.owns('x')).toBe(true);
  expect(share.step({ type: 'lost', reason: 'fenced' })).toBe(true);
  expect(share.reason).toBe('lost its lease: fenced');
});

import { expect, test } from 'vitest';
import { conflictOf, FAILBACK } from './link-check.ts';
import type { LinkEntry } from './link-schema.ts';

const orders = { topics: { list: ['orders'] } };
const link = (more: Partial<LinkEntry>): LinkEntry => ({ from: 'us', to: 'eu', ...more });

test('links that could write the same copy do not stand beside each other', () => {
  const all = link({});
  expect(conflictOf(link({}), [all])).toContain('is there twice');
  expect(conflictOf(link({ name: 'second', ...orders }), [all])).toContain('may copy the same topics as us-eu');
  const bills = link({ name: 'second', topics: { list: ['bills'] } });
  expect(conflictOf(bills, [link(orders)])).toBeNull();
  expect(conflictOf(link({ from: 'ap' }), [all])).toBeNull();
  const identity = link({ from: 'ap', policy: 'identity' });
  expect(conflictOf(identity, [link({ policy: 'identity' })])).toContain('may copy the same topics');
  const back = link({ from: 'eu', to: 'us', policy: 'identity' });
  expect(conflictOf(back, [link({ policy: 'identity' })])).toContain('may copy the same topics');
});

test('a topic may come back under its own name beside its prefixed copy, for as long as a fail-back takes', () => {
  const back = link({ name: `${FAILBACK}orders`, policy: 'identity', ...orders });
  expect(conflictOf(back, [link({})])).toBeNull();
  expect(conflictOf({ ...back, name: 'other' }, [link({})])).toContain('may copy the same topics');
  expect(conflictOf(back, [link({ from: 'ap', policy: 'identity' })])).toContain('may copy the same topics');
});

import { LINK_SCHEMA } from '@meridian/service';
import { expect, test } from 'vitest';
import { linkNameOf } from './failback-steps.ts';

test('the link of a fail-back has a name that links may have, and no two topics have the same', () => {
  const topics = ['orders', 'a.b', 'a-b', 'A_B', `${'x'.repeat(200)}.1`, `${'x'.repeat(200)}.2`, '___'];
  const names = topics.map(linkNameOf);
  const allowed = new RegExp(LINK_SCHEMA.properties.name.pattern);
  for (const name of names) expect(name).toMatch(allowed);
  expect(new Set(names).size).toBe(topics.length);
});

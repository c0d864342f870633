import type { AclRule } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { AclFollow } from './acl-follow.ts';

const rule = (resourceName: string, operation: number, more: Partial<AclRule> = {}): AclRule => ({
  ...{ resourceType: 2, resourceName, patternType: 3, principal: 'User:ann', host: '*', operation, permissionType: 3 },
  ...more,
});

function region(initial: AclRule[] | 'off') {
  const text = (each: AclRule) => JSON.stringify(each);
  const held = { rules: initial };
  const change = (to: (rules: AclRule[]) => AclRule[], count: number) => {
    if (held.rules !== 'off') held.rules = to(held.rules);
    return Promise.resolve(Array.from({ length: count }, () => ({ errorCode: 0, errorMessage: null })));
  };
  return {
    held,
    describeAcls: async () => held.rules,
    createAcls: (rules: readonly AclRule[]) => change((now) => [...now, ...rules], rules.length),
    deleteAcls: (rules: readonly AclRule[]) => {
      const gone = new Set(rules.map(text));
      return change((now) => now.filter((each) => !gone.has(text(each))), rules.length);
    },
  };
}

function follow(source: ReturnType<typeof region>, target: ReturnType<typeof region>) {
  const world = createSimWorld({ seed: 1 });
  const acls = new AclFollow({
    ...{ io: world.node('here').boot(), log: silentLogger, source, target },
    limits: { aclRoundMs: 1_000, requestTimeoutMs: 1_000 },
    spec: { name: 'a-b', from: 'a', policy: 'prefix' },
    selects: (name) => name === 'orders',
  });
  return { acls, look: () => world.run(world.now() + 1_500) };
}

test('who may read a topic may read its copy, and nobody may write it', async () => {
  const denied = rule('orders', 3, { permissionType: 2, principal: 'User:bob' });
  const source = region([rule('orders', 3), rule('orders', 4), rule('rivers', 3), rule('*', 3), denied]);
  const target = region([rule('own', 3)]);
  await follow(source, target).look();
  expect(target.held.rules).toEqual([rule('own', 3), { ...denied, resourceName: 'a.orders' }, rule('a.orders', 3)]);
});

test('a rule for everything is one for reading, and a prefix stays one', async () => {
  const source = region([rule('orders', 2), rule('or', 3, { patternType: 4 })]);
  const target = region([]);
  await follow(source, target).look();
  expect(target.held.rules).toEqual([rule('a.orders', 3), rule('a.orders', 8), rule('a.or', 3, { patternType: 4 })]);
});

test('what is taken back at the source is taken back here; what others have allowed here stays', async () => {
  const source = region([rule('orders', 3)]);
  const own = rule('a.orders', 3, { principal: 'User:own' });
  const target = region([own]);
  const { look } = follow(source, target);
  await look();
  expect(target.held.rules).toHaveLength(2);
  source.held.rules = [];
  await look();
  expect(target.held.rules).toEqual([own]);
});

test('where there is no authorizer, that is told', async () => {
  const { acls, look } = follow(region([rule('orders', 3)]), region('off'));
  await look();
  expect(acls.notice).toMatch(/there is no authorizer here/);
});

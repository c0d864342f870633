/** Permissions: literal, prefix, and what is not understood. */
import { expect, test } from 'vitest';
import { isAllowed, parsePermissions } from './permissions.ts';

test('a literal pattern allows its topic alone', () => {
  const permissions = parsePermissions(['cities:read,write']);
  expect(isAllowed(permissions, 'read', 'cities')).toBe(true);
  expect(isAllowed(permissions, 'write', 'cities')).toBe(true);
  expect(isAllowed(permissions, 'read', 'cities2')).toBe(false);
  expect(isAllowed(permissions, 'read', 'citie')).toBe(false);
});

test('a trailing star allows what begins so, and only the named action', () => {
  const permissions = parsePermissions(['orders.*:read']);
  expect(isAllowed(permissions, 'read', 'orders.eu')).toBe(true);
  expect(isAllowed(permissions, 'write', 'orders.eu')).toBe(false);
  expect(isAllowed(permissions, 'read', 'orders')).toBe(false);
});

test('entries add up, and a star alone allows every topic', () => {
  const permissions = parsePermissions(['*:read', 'cities:write']);
  expect(isAllowed(permissions, 'read', 'anything')).toBe(true);
  expect(isAllowed(permissions, 'write', 'cities')).toBe(true);
  expect(isAllowed(permissions, 'write', 'anything')).toBe(false);
  expect(isAllowed(parsePermissions([]), 'read', 'cities')).toBe(false);
});

test('an entry that is not understood refuses the whole list', () => {
  const bad = [
    'cities',
    ':read',
    'cities:',
    'cities:admin',
    'cities:read,',
    'a*b:read',
    '(a+)+$:read',
    '__x:read',
    '**:read',
  ];
  for (const entry of bad) expect(() => parsePermissions(['ok:read', entry]), entry).toThrow();
});

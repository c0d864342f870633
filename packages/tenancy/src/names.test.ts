/** What names are let in: the tricks of E.2 55–58 and the sums of lengths. */
import { expect, test } from 'vitest';
import { LIMITS } from './limits.ts';
import { checkGroup, checkRegion, checkTenant, checkTopic, copyTopic, physicalGroup, physicalTopic } from './names.ts';

test('a tenant is a lower-case label without dots', () => {
  for (const good of ['acme', 'a', 'a-b', '0x', 'a'.repeat(63)]) expect(checkTenant(good, [])).toBe(good);
  const bad = ['', 'a.b', 'a_b', 'A', '-a', 'a-', 'a/b', 'аcme', '__proto__', 'a\r\n', 'a'.repeat(64), 'a*', 'ａ'];
  for (const name of bad) expect(() => checkTenant(name, [])).toThrow('not allowed');
});

test('a tenant does not bear the name of a region', () => {
  expect(() => checkTenant('us-east', ['eu-west', 'us-east'])).toThrow('region');
});

test('internal, dotted and overlong topics are refused', () => {
  for (const good of ['cities', 'a.b', 'a_b', '_x', 'A-1', 'x'.repeat(LIMITS.maxTopicChars)]) {
    expect(checkTopic(good)).toBe(good);
  }
  const bad = ['', '.', '..', '__consumer_offsets', '__cluster_metadata', 'a/b', 'a b', 'a:b', 'é', '%2e%2e', 'a\0'];
  for (const name of [...bad, 'x'.repeat(LIMITS.maxTopicChars + 1)])
    expect(() => checkTopic(name)).toThrow('not allowed');
  expect(() => checkGroup('..')).toThrow('group');
});

test('a copy of the longest topic of the longest tenant still fits into a Kafka name', () => {
  const tenant = checkTenant('t'.repeat(LIMITS.maxTenantChars), []);
  const region = checkRegion('r'.repeat(LIMITS.maxRegionChars));
  const topic = checkTopic('x'.repeat(LIMITS.maxTopicChars));
  expect(copyTopic(region, tenant, topic).length).toBeLessThanOrEqual(LIMITS.maxPhysicalNameChars);
});

test('physical names begin with the tenant, copies with the region', () => {
  expect(physicalTopic('acme', 'orders')).toBe('acme.orders');
  expect(copyTopic('us-east', 'acme', 'orders')).toBe('us-east.acme.orders');
  expect(physicalGroup('acme', 'readers')).toBe('acme.readers');
});

test('a hostile name cannot break the line of the message that refuses it', () => {
  expect(() => checkTopic(`x\r\n\u001b[31mroot logged in${'y'.repeat(500)}`)).toThrow(/^[ -~…]{0,300}$/);
});

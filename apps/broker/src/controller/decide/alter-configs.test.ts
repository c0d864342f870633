/** Changes of configs, as Apache Kafka 4.3.1 was seen to decide them. */
import { errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { ConfigChange, Requester } from '../commands.ts';
import type { ConfigResource } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { createTopics, newTopic, scenario } from './scenario.ts';

interface Altered {
  readonly resource?: ConfigResource;
  readonly name?: string;
  readonly replaces?: boolean;
  readonly requester?: Requester;
  readonly validateOnly?: boolean;
}

function altering() {
  const at = scenario();
  const configs = [{ name: 'meridian.origin.region', value: 'eu-west' }];
  at.run(createTopics([newTopic('orders'), newTopic('eu-west.copy', { configs })], { requester: 'internal' }));
  const alter = (changes: readonly ConfigChange[], options: Altered = {}): string => {
    const {
      resource = 'topic',
      name = 'orders',
      replaces = false,
      requester = 'client',
      validateOnly = false,
    } = options;
    const resources = [{ resource, name, changes, replaces }];
    const result = at.run({ kind: 'alterConfigs', requester, validateOnly, resources });
    const { errorCode, errorMessage } = result.resources[0]!;
    return errorMessage ?? errorName(errorCode);
  };
  const held = (name: string, topic = 'orders') => at.image.configOf('topic', topic).get(name);
  return { ...at, image: at.image, alter, held };
}

test('elements join a list and leave it, from its default if it is not set', () => {
  const { alter, held } = altering();
  expect(alter([{ name: 'cleanup.policy', value: 'compact', list: 'append' }])).toBe('NONE');
  expect(held('cleanup.policy')).toBe('delete,compact');
  expect(alter([{ name: 'cleanup.policy', value: 'delete,compact', list: 'append' }])).toBe('NONE');
  expect(held('cleanup.policy')).toBe('delete,compact');
  expect(alter([{ name: 'cleanup.policy', value: 'delete,absent', list: 'subtract' }])).toBe('NONE');
  expect(held('cleanup.policy')).toBe('compact');
  expect(alter([{ name: 'cleanup.policy', value: 'compact', list: 'subtract' }])).toBe('NONE');
  expect(held('cleanup.policy')).toBe('');
});

test.each([
  ['topic', 'orders', 'retention.ms', 'append', "Can't APPEND to key retention.ms because its type is not LIST."],
  ['topic', 'orders', 'absent', 'subtract', "Can't SUBTRACT to key absent because its type is not LIST."],
  ['broker', '1', 'log.retention.ms', 'append', 'Config value append is not allowed for config key: log.retention.ms'],
  ['broker', '1', 'absent', 'append', 'Unknown config name: absent'],
  ['client-metrics', 'all', 'metrics', 'append', "Can't APPEND to key metrics because its type is not LIST."],
] as const)('%s %s: %s is no list', (resource, name, config, list, message) => {
  expect(altering().alter([{ name: config, value: '1', list }], { resource, name })).toBe(message);
});

test('to clear what does not exist is nothing, to set it is refused', () => {
  const { alter } = altering();
  expect(alter([{ name: 'absent', value: null }])).toBe('NONE');
  expect(alter([{ name: 'absent', value: '1' }])).toBe('Unknown topic config name: absent');
  expect(alter([{ name: 'absent', value: '1' }], { name: 'no.topic' })).toBe('Unknown topic config name: absent');
  expect(alter([{ name: 'retention.ms', value: '1' }], { name: 'no.topic' })).toBe(
    "The topic 'no.topic' does not exist.",
  );
  expect(alter([], { name: '' })).toBe('Default topic resources are not allowed.');
});

test('replacing clears what is not named, but not what only the mirror may clear', () => {
  const { alter, held } = altering();
  alter([
    { name: 'retention.ms', value: '5' },
    { name: 'segment.ms', value: '6' },
  ]);
  expect(alter([{ name: 'retention.ms', value: '7' }], { replaces: true })).toBe('NONE');
  expect([held('retention.ms'), held('segment.ms')]).toEqual(['7', undefined]);
  expect(alter([], { replaces: true, name: 'eu-west.copy' })).toBe('NONE');
  expect(held('meridian.origin.region', 'eu-west.copy')).toBe('eu-west');
  expect(alter([{ name: 'meridian.origin.region', value: null }], { name: 'eu-west.copy' })).toContain(
    'the mirror alone',
  );
});

test('a broker takes dynamic configs, and keeps names that nobody knows; what it cannot follow is refused', () => {
  const { alter, image } = altering();
  const broker = { resource: 'broker', name: '1' } as const;
  expect(alter([{ name: 'log.retention.ms', value: '5' }], broker)).toBe('NONE');
  expect(alter([{ name: 'my.plugin.level', value: 'x' }], broker)).toBe('NONE');
  expect([...image.configOf('broker', '1')]).toEqual([
    ['log.retention.ms', '5'],
    ['my.plugin.level', 'x'],
  ]);
  const fixed = ['num.partitions', 'queued.max.requests'].map((name) => ({ name, value: '2' }));
  expect(alter(fixed, broker)).toBe('Cannot update these configs dynamically: [num.partitions, queued.max.requests]');
  expect(alter([{ name: 'log.retention.ms', value: 'x' }], broker)).toBe(
    'Invalid value x for configuration log.retention.ms: Not a number of type LONG',
  );
});

test.each([
  [{ 'interval.ms': '5' }, 'Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)'],
  [{ match: 'foo=bar' }, 'Illegal client matching pattern: foo=bar'],
  [{ match: 'client_id=(' }, 'Illegal client matching pattern: client_id=('],
  [{ match: 'client_id=(a+)+b' }, 'Illegal client matching pattern: client_id=(a+)+b'],
  [{ match: 'client_id=a*a*a*a*b' }, 'Illegal client matching pattern: client_id=a*a*a*a*b'],
  [{ absent: '1' }, 'Unknown client metrics configuration: absent'],
  [{ match: 'client_id=a.*,client_software_name=kafka', metrics: '*', 'interval.ms': '1000' }, 'NONE'],
])('a subscription of client metrics with %j', (values, message) => {
  const changes = Object.entries(values).map(([name, value]) => ({ name, value }));
  expect(altering().alter(changes, { resource: 'client-metrics', name: 'all' })).toBe(message);
  expect(altering().alter(changes, { resource: 'client-metrics', name: '' })).toBe("Subscription name can't be empty");
});

test('what is only validated is not written', () => {
  const { alter, held } = altering();
  expect(alter([{ name: 'retention.ms', value: '5' }], { validateOnly: true })).toBe('NONE');
  expect(held('retention.ms')).toBeUndefined();
});

test('a request that would make too large a batch is refused as a whole', () => {
  const { alter } = altering();
  const many = Array.from({ length: CONTROLLER_LIMITS.configsPerRequest + 1 }, (_, i) => ({
    name: `c${i}`,
    value: '1',
  }));
  expect(alter(many, { resource: 'broker', name: '1' })).toContain('Excessively large');
  expect(alter([{ name: 'x'.repeat(2_000), value: '1' }], { resource: 'broker', name: '1' })).toContain('too long');
});

test('neither the configs of a resource nor the subscriptions grow without end', () => {
  const { alter } = altering();
  const broker = { resource: 'broker', name: '1' } as const;
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `custom.${from + i}`, value: '1' }));
  expect(alter(many(0, CONTROLLER_LIMITS.configsPerResource), broker)).toBe('NONE');
  expect(alter(many(0, 5), broker)).toBe('NONE');
  expect(alter(many(CONTROLLER_LIMITS.configsPerResource, 1), broker)).toContain('Excessively large');
  const subscribe = (name: string) => alter([{ name: 'metrics', value: '*' }], { resource: 'client-metrics', name });
  for (let i = 0; i < CONTROLLER_LIMITS.clientMetricsSubscriptions; i++) subscribe(`s${i}`);
  expect([subscribe('s0'), subscribe('one more')]).toEqual(['NONE', 'Excessively large number of subscriptions.']);
});

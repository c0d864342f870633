/** The config tables and the reading of values, against what Apache Kafka 4.3.1 says. */
import { expect, test } from 'vitest';
import { scenario } from '../decide/scenario.ts';
import { BROKER_CONFIGS } from './broker-configs.ts';
import { shownValue, whyInvalid } from './definition.ts';
import { CONFIG_SOURCE, topicConfigNumber, topicConfigValue, topicConfigValues } from './effective.ts';
import { TOPIC_CONFIGS } from './topic-configs.ts';

test.each([
  ['retention.ms', '-2', 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
  [
    'cleanup.policy',
    'abc',
    'Invalid value abc for configuration cleanup.policy: String must be one of: compact, delete',
  ],
  ['segment.bytes', '10', 'Invalid value 10 for configuration segment.bytes: Value must be at least 1048576'],
  [
    'segment.bytes',
    '99999999999',
    'Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT',
  ],
  ['segment.bytes', '', 'Invalid value  for configuration segment.bytes: Not a number of type INT'],
  [
    'compression.type',
    'zip',
    'Invalid value zip for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
  ],
  [
    'unclean.leader.election.enable',
    'maybe',
    'Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be either true or false',
  ],
  [
    'min.cleanable.dirty.ratio',
    '2',
    'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
  ],
  [
    'leader.replication.throttled.replicas',
    'abc',
    "Invalid value [abc] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
  ],
  [
    'compression.gzip.level',
    '77',
    'Invalid value 77 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1',
  ],
])('%s=%j is refused in Kafka’s words', (name, value, message) => {
  expect(whyInvalid(TOPIC_CONFIGS.get(name)!, value)).toBe(message);
});

test.each([
  ['cleanup.policy', ''],
  ['cleanup.policy', 'compact, delete'],
  ['cleanup.policy', 'delete,delete'],
  ['max.message.bytes', ' 12 '],
  ['min.compaction.lag.ms', '99999999999999999'],
  ['flush.ms', '9223372036854775807'],
  ['compression.gzip.level', '-1'],
  ['preallocate', 'TRUE'],
  ['leader.replication.throttled.replicas', '0:1,1:2'],
])('%s=%j is allowed', (name, value) => {
  expect(whyInvalid(TOPIC_CONFIGS.get(name)!, value)).toBeNull();
});

test('every default is a value of its config', () => {
  for (const config of [...TOPIC_CONFIGS.values(), ...BROKER_CONFIGS.values()]) {
    if (config.default !== null) expect([config.name, whyInvalid(config, config.default)]).toEqual([config.name, null]);
  }
});

test('values are shown in their plain form', () => {
  expect(shownValue(TOPIC_CONFIGS.get('preallocate')!, ' TRUE ')).toBe('true');
  expect(shownValue(TOPIC_CONFIGS.get('cleanup.policy')!, 'compact , delete')).toBe('compact,delete');
  expect(shownValue(TOPIC_CONFIGS.get('retention.ms')!, '+010')).toBe('10');
});

test('a topic’s value comes from the topic, else the broker, else the default', () => {
  const { image } = scenario();
  const sources = { image, nodeId: 1, staticConfigs: new Map([['log.retention.ms', '4']]) };
  image.setConfig('topic', 'orders', 'retention.ms', '1');
  image.setConfig('broker', '1', 'log.retention.ms', '2');
  image.setConfig('broker', '', 'log.retention.ms', '3');
  const all = topicConfigValues(sources, 'orders', TOPIC_CONFIGS.get('retention.ms')!);
  expect(all.map(({ name, value, source }) => [name, value, source])).toEqual([
    ['retention.ms', '1', CONFIG_SOURCE.topic],
    ['log.retention.ms', '2', CONFIG_SOURCE.dynamicBroker],
    ['log.retention.ms', '3', CONFIG_SOURCE.dynamicDefaultBroker],
    ['log.retention.ms', '4', CONFIG_SOURCE.staticBroker],
    ['log.retention.hours', '168', CONFIG_SOURCE.default],
  ]);
  expect(topicConfigValue(sources, 'other', 'retention.ms')).toBe('2');
});

test('no limit is an infinite number, and a copy’s facts are absent where they are not set', () => {
  const sources = { image: scenario().image, nodeId: 1, staticConfigs: new Map<string, string>() };
  expect(topicConfigNumber(sources, 'orders', 'flush.ms')).toBe(Number.POSITIVE_INFINITY);
  expect(topicConfigNumber(sources, 'orders', 'min.cleanable.dirty.ratio')).toBe(0.5);
  expect(topicConfigValue(sources, 'orders', 'meridian.origin.region')).toBeUndefined();
});

test('a broker’s log.retention.ms may be less than −1, a topic’s retention.ms may not', () => {
  expect(whyInvalid(BROKER_CONFIGS.get('log.retention.ms')!, '-2')).toBeNull();
  expect(whyInvalid(TOPIC_CONFIGS.get('retention.ms')!, '-2')).not.toBeNull();
});

/** What CreateTopics decides: the records of a topic, and Kafka's refusals. */
import { ERROR, errorName } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { NewTopic } from '../commands.ts';
import { createTopics, newTopic, scenario, uuidNumber } from './scenario.ts';

/** The error and message that one topic is refused with. */
function refusalOf(topic: NewTopic, at = scenario(), requester: 'client' | 'internal' = 'client'): [string, string] {
  const [answer] = at.run(createTopics([topic], { requester })).topics;
  expect(at.written).toEqual([]);
  return [errorName(answer!.errorCode), answer!.errorMessage ?? ''];
}

test('a topic is one batch: topic, configs, partitions', () => {
  const at = scenario();
  const configs = [{ name: 'retention.ms', value: '1000' }];
  const { topics } = at.run(createTopics([newTopic('orders', { numPartitions: 2, configs })]));
  expect(at.written).toEqual([
    'topic orders',
    'config orders retention.ms=1000',
    'partition 0 on 1 led by 1 isr 1',
    'partition 1 on 1 led by 1 isr 1',
  ]);
  expect(topics).toEqual([
    {
      name: 'orders',
      topicId: uuidNumber(1),
      errorCode: ERROR.NONE,
      errorMessage: null,
      numPartitions: 2,
      replicationFactor: 1,
      configs: new Map([['retention.ms', '1000']]),
    },
  ]);
  expect(at.image.topicsByName.get('orders')?.partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([0, 0]);
  expect(at.image.configOf('topic', 'orders').get('retention.ms')).toBe('1000');
});

test('partition count and replication factor -1 mean the defaults of the broker', () => {
  const at = scenario([1, 2], { defaultPartitions: 4, defaultReplicationFactor: 2 });
  const [answer] = at.run(createTopics([newTopic('orders')])).topics;
  expect([answer?.numPartitions, answer?.replicationFactor]).toEqual([4, 2]);
});

test('replicas are striped over the brokers so that leaders and followers spread', () => {
  const at = scenario([1, 2, 3]);
  at.run(createTopics([newTopic('orders', { numPartitions: 6, replicationFactor: 2 })]));
  expect(at.written.slice(1).map((line) => line.split(' ')[3])).toEqual(['1,2', '2,3', '3,1', '1,3', '2,1', '3,2']);
});

test('validateOnly answers the same and writes nothing', () => {
  const at = scenario();
  const { topics } = at.run(createTopics([newTopic('orders'), newTopic('a b')], { validateOnly: true }));
  expect(topics.map(({ errorCode }) => errorCode)).toEqual([ERROR.NONE, ERROR.INVALID_TOPIC_EXCEPTION]);
  expect(at.written).toEqual([]);
});

test('one topic refused does not keep the others from being created', () => {
  const at = scenario();
  at.run(createTopics([newTopic('bad name'), newTopic('good', { numPartitions: 1 })]));
  expect(at.written).toEqual(['topic good', 'partition 0 on 1 led by 1 isr 1']);
});

test('a name that stands twice in a request is refused once, and the others are created', () => {
  const at = scenario();
  const { topics } = at.run(createTopics([newTopic('twice'), newTopic('once'), newTopic('twice')]));
  expect(topics.map(({ name, errorCode, errorMessage }) => [name, errorName(errorCode), errorMessage])).toEqual([
    ['once', 'NONE', null],
    ['twice', 'INVALID_REQUEST', 'Duplicate topic name.'],
  ]);
});

test.each([
  ['', 'Topic name is invalid: the empty string is not allowed'],
  ['.', "Topic name is invalid: '.' is not allowed"],
  ['..', "Topic name is invalid: '..' is not allowed"],
  [
    'a/b',
    "Topic name is invalid: 'a/b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
  ],
  ['ä', "Topic name is invalid: 'ä' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
  [
    'a\n',
    "Topic name is invalid: 'a\n' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
  ],
])('the name %j is invalid', (name, message) => {
  expect(refusalOf(newTopic(name))).toEqual(['INVALID_TOPIC_EXCEPTION', message]);
});

test('a name has at most 249 characters', () => {
  expect(refusalOf(newTopic('x'.repeat(250)))[0]).toBe('INVALID_TOPIC_EXCEPTION');
  expect(scenario().run(createTopics([newTopic('x'.repeat(249))])).topics[0]?.errorCode).toBe(ERROR.NONE);
});

test('a topic that exists, or that differs from one in dots and underscores only, is refused', () => {
  const at = scenario();
  at.run(createTopics([newTopic('a.b_c'), newTopic('plain')]));
  expect(refusalOf(newTopic('a.b_c'), at)).toEqual(['TOPIC_ALREADY_EXISTS', "Topic 'a.b_c' already exists."]);
  expect(refusalOf(newTopic('a_b.c'), at)).toEqual([
    'INVALID_TOPIC_EXCEPTION',
    "Topic 'a_b.c' collides with existing topic: a.b_c",
  ]);
});

test('the metadata log is not a topic that can be created', () => {
  expect(refusalOf(newTopic('__cluster_metadata'))[0]).toBe('INVALID_REQUEST');
});

test('a name that begins with a region and a dot is the mirror’s', () => {
  expect(refusalOf(newTopic('eu-west.orders'))[0]).toBe('INVALID_TOPIC_EXCEPTION');
  const [asMirror] = scenario().run(createTopics([newTopic('eu-west.orders')], { requester: 'internal' })).topics;
  expect(asMirror?.errorCode).toBe(ERROR.NONE);
  expect(scenario().run(createTopics([newTopic('eu-western.orders')])).topics[0]?.errorCode).toBe(ERROR.NONE);
});

test('origin metadata is set by the mirror alone', () => {
  const configs = [{ name: 'meridian.origin.region', value: 'eu-west' }];
  expect(refusalOf(newTopic('orders', { configs }))[0]).toBe('INVALID_CONFIG');
  const [asMirror] = scenario().run(createTopics([newTopic('x', { configs })], { requester: 'internal' })).topics;
  expect(asMirror?.errorCode).toBe(ERROR.NONE);
});

test.each([
  [
    { replicationFactor: 0 },
    'INVALID_REPLICATION_FACTOR',
    'Replication factor must be larger than 0, or -1 to use the default value.',
  ],
  [
    { replicationFactor: -2 },
    'INVALID_REPLICATION_FACTOR',
    'Replication factor must be larger than 0, or -1 to use the default value.',
  ],
  [{ numPartitions: 0 }, 'INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.'],
  [{ numPartitions: -2 }, 'INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.'],
  [{ numPartitions: 10_001 }, 'POLICY_VIOLATION', 'Excessively large number of partitions per request.'],
  [{ numPartitions: 2 ** 31 - 1 }, 'POLICY_VIOLATION', 'Excessively large number of partitions per request.'],
])('counts %j are refused', (counts, code, message) => {
  expect(refusalOf(newTopic('orders', counts))).toEqual([code, message]);
});

test('more replicas than brokers, or no broker at all, is an invalid replication factor', () => {
  expect(refusalOf(newTopic('orders', { replicationFactor: 2 }))).toEqual([
    'INVALID_REPLICATION_FACTOR',
    'Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached because only 1 broker(s) are registered or some brokers have all their log directories cordoned.',
  ]);
  expect(refusalOf(newTopic('orders'), scenario([]))[0]).toBe('INVALID_REPLICATION_FACTOR');
});

test('replicas given by hand are taken as they are', () => {
  const at = scenario([1, 2]);
  const assignments = [
    { partitionIndex: 1, brokerIds: [2, 1] },
    { partitionIndex: 0, brokerIds: [1, 2] },
  ];
  at.run(createTopics([newTopic('orders', { assignments })]));
  expect(at.written).toEqual([
    'topic orders',
    'partition 0 on 1,2 led by 1 isr 1,2',
    'partition 1 on 2,1 led by 2 isr 2,1',
  ]);
});

const one = { partitionIndex: 0, brokerIds: [1] };
test.each<[Partial<NewTopic>, string, string]>([
  [
    { assignments: [one], numPartitions: 1 },
    'INVALID_REQUEST',
    'A manual partition assignment was specified, but numPartitions was not set to -1.',
  ],
  [
    { assignments: [one], replicationFactor: 1 },
    'INVALID_REQUEST',
    'A manual partition assignment was specified, but replication factor was not set to -1.',
  ],
  [
    { assignments: [one, one] },
    'INVALID_REPLICA_ASSIGNMENT',
    'Found multiple manual partition assignments for partition 0',
  ],
  [
    { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'partitions should be a consecutive 0-based integer sequence',
  ],
  [
    { assignments: [{ partitionIndex: -1, brokerIds: [1] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'partitions should be a consecutive 0-based integer sequence',
  ],
  [
    { assignments: [{ partitionIndex: 0, brokerIds: [] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes an empty replica list.',
  ],
  [
    { assignments: [{ partitionIndex: 0, brokerIds: [7] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes broker 7, but no such broker is registered.',
  ],
  [
    { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes the broker 1 more than once.',
  ],
  [
    { assignments: [one, { partitionIndex: 1, brokerIds: [1, 2] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with previous partitions, which have 1 replica(s).',
  ],
])('replicas given by hand as %j are refused', (topic, code, message) => {
  expect(refusalOf(newTopic('orders', topic), scenario([1, 2]))).toEqual([code, message]);
});

test.each([
  ['foo', '1', 'Unknown topic config name: foo'],
  ['retention.ms', null, 'Null value not supported for topic configs: retention.ms'],
  ['retention.ms', 'x', 'Invalid value x for configuration retention.ms: Not a number of type LONG'],
  [
    'remote.storage.enable',
    'true',
    'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
  ],
  [
    'min.compaction.lag.ms',
    '9223372036854775808',
    'Invalid value 9223372036854775808 for configuration min.compaction.lag.ms: Not a number of type LONG',
  ],
])('the config %s=%s is refused', (name, value, message) => {
  expect(refusalOf(newTopic('orders', { configs: [{ name, value }] }))).toEqual(['INVALID_CONFIG', message]);
});

test('configs that contradict one another are refused', () => {
  const configs = [
    { name: 'min.compaction.lag.ms', value: '2' },
    { name: 'max.compaction.lag.ms', value: '1' },
  ];
  expect(refusalOf(newTopic('orders', { configs }))).toEqual([
    'INVALID_CONFIG',
    'conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)',
  ]);
});

test('a request with more config text than the limit is refused as a whole', () => {
  const long = Array.from({ length: 40 }, (_, i) => ({ name: `c${i}`, value: 'x'.repeat(32_000) }));
  expect(refusalOf(newTopic('orders', { configs: long }))[0]).toBe('POLICY_VIOLATION');
});

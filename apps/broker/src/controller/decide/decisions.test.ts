/** What the other commands decide: partitions, deletion, configs, producer ids, registration. */
import { ERROR, errorName, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Command, DeleteTopics, Outcome } from '../commands.ts';
import { createTopics, newTopic, type Scenario, scenario, uuidNumber } from './scenario.ts';

type Growth = Extract<Command, { kind: 'createPartitions' }>['topics'][number];

function withTopics(...names: string[]): Scenario {
  const at = scenario([1, 2]);
  at.run(
    createTopics(
      names.map((name) => newTopic(name, { numPartitions: 2 })),
      { requester: 'internal' },
    ),
  );
  return at;
}

function grow(at: Scenario, topics: readonly Growth[], rest: { validateOnly?: boolean } = {}): readonly Outcome[] {
  return at.run({ kind: 'createPartitions', requester: 'client', validateOnly: false, topics, ...rest }).topics;
}

const told = ({ name, errorCode }: Outcome): [string | null, string] => [name, errorName(errorCode)];

test('new partitions go behind the old ones, with the replicas of the topic', () => {
  const at = withTopics('orders');
  expect(grow(at, [{ name: 'orders', count: 4, assignments: null }]).map(told)).toEqual([['orders', 'NONE']]);
  expect(at.written).toEqual(['partition 2 on 1 led by 1 isr 1', 'partition 3 on 2 led by 2 isr 2']);
  expect(at.image.topicsByName.get('orders')?.partitions.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
});

test('partitions given by hand are taken as they are; validateOnly writes nothing', () => {
  const at = withTopics('orders');
  const byHand = { name: 'orders', count: 3, assignments: [{ brokerIds: [2] }] };
  expect(grow(at, [byHand], { validateOnly: true }).map(told)).toEqual([['orders', 'NONE']]);
  expect(at.written).toEqual([]);
  grow(at, [byHand]);
  expect(at.written).toEqual(['partition 2 on 2 led by 2 isr 2']);
});

test.each<[Partial<Growth>, string, string]>([
  [{ name: 'absent' }, 'UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.'],
  [{ count: 2 }, 'INVALID_PARTITIONS', 'Topic already has 2 partition(s).'],
  [{ count: 1 }, 'INVALID_PARTITIONS', 'The topic orders currently has 2 partition(s); 1 would not be an increase.'],
  [{ count: 20_000 }, 'POLICY_VIOLATION', 'Excessively large number of partitions per request.'],
  [
    { count: 4, assignments: [{ brokerIds: [1] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
  ],
  [
    { count: 3, assignments: [{ brokerIds: [9] }] },
    'INVALID_REPLICA_ASSIGNMENT',
    'The manual partition assignment includes broker 9, but no such broker is registered.',
  ],
])('growing %j is refused', (topic, code, message) => {
  const at = withTopics('orders');
  const [answer] = grow(at, [{ name: 'orders', count: 3, assignments: null, ...topic }]);
  expect([errorName(answer!.errorCode), answer!.errorMessage]).toEqual([code, message]);
  expect(at.written).toEqual([]);
});

test('a copy grows by the mirror alone', () => {
  const at = scenario();
  const configs = [{ name: 'meridian.origin.region', value: 'eu-west' }];
  at.run(createTopics([newTopic('eu-west.orders', { configs, numPartitions: 1 })], { requester: 'internal' }));
  const topics = [{ name: 'eu-west.orders', count: 2, assignments: null }];
  expect(grow(at, topics).map(told)).toEqual([['eu-west.orders', 'POLICY_VIOLATION']]);
  const asMirror = at.run({ kind: 'createPartitions', requester: 'internal', validateOnly: false, topics });
  expect(asMirror.topics.map(told)).toEqual([['eu-west.orders', 'NONE']]);
});

function remove(at: Scenario, topics: DeleteTopics['topics']): (string | number | null)[][] {
  const result = at.run({ kind: 'deleteTopics', requester: 'client', topics });
  return result.topics.map(({ name, topicId, errorCode }) => [name, topicId, errorName(errorCode)]);
}

test('a topic is deleted by name or by id, and its configs go with it', () => {
  const at = withTopics('a', 'b');
  at.run({
    kind: 'alterConfigs',
    requester: 'client',
    validateOnly: false,
    resources: [{ resource: 'topic', name: 'a', changes: [{ name: 'retention.ms', value: '1' }] }],
  });
  const answers = remove(at, [
    { name: 'a', topicId: ZERO_UUID },
    { name: null, topicId: uuidNumber(2) },
  ]);
  expect(answers).toEqual([
    ['b', uuidNumber(2), 'NONE'],
    ['a', uuidNumber(1), 'NONE'],
  ]);
  expect(at.image.topicsByName.size + at.image.topicsById.size).toBe(0);
  expect(at.image.configOf('topic', 'a').size).toBe(0);
});

test('unknown, repeated, empty and doubly named topics are refused one by one', () => {
  const at = withTopics('a', 'b');
  const answers = remove(at, [
    { name: 'absent', topicId: ZERO_UUID },
    { name: null, topicId: uuidNumber(77) },
    { name: null, topicId: ZERO_UUID },
    { name: 'a', topicId: uuidNumber(1) },
    { name: 'b', topicId: ZERO_UUID },
    { name: 'b', topicId: ZERO_UUID },
  ]);
  expect(answers).toEqual([
    [null, ZERO_UUID, 'INVALID_REQUEST'],
    ['a', uuidNumber(1), 'INVALID_REQUEST'],
    ['b', ZERO_UUID, 'INVALID_REQUEST'],
    [null, uuidNumber(77), 'UNKNOWN_TOPIC_ID'],
    ['absent', ZERO_UUID, 'UNKNOWN_TOPIC_OR_PARTITION'],
  ]);
  expect(at.written).toEqual([]);
});

test('a topic named by its name and by its id in one request is not deleted', () => {
  const at = withTopics('a');
  const answers = remove(at, [
    { name: 'a', topicId: ZERO_UUID },
    { name: null, topicId: uuidNumber(1) },
  ]);
  expect(answers).toEqual([['a', uuidNumber(1), 'INVALID_REQUEST']]);
  expect(at.image.topicsByName.has('a')).toBe(true);
});

test('a name whose topic was deleted no longer collides', () => {
  const at = withTopics('a.b');
  remove(at, [{ name: 'a.b', topicId: ZERO_UUID }]);
  expect(at.run(createTopics([newTopic('a_b')])).topics[0]?.errorCode).toBe(ERROR.NONE);
});

test('configs change wholly or not at all, and only what differs is written', () => {
  const at = withTopics('a');
  const alter = (changes: { name: string; value: string | null }[], name = 'a'): string => {
    const resources = [{ resource: 'topic' as const, name, changes }];
    const result = at.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources });
    return errorName(result.resources[0]!.errorCode);
  };
  expect(alter([{ name: 'retention.ms', value: '5' }])).toBe('NONE');
  expect(at.written).toEqual(['config a retention.ms=5']);
  expect(alter([{ name: 'retention.ms', value: '5' }])).toBe('NONE');
  expect(at.written).toEqual([]);
  expect(
    alter([
      { name: 'retention.ms', value: '6' },
      { name: 'segment.bytes', value: '1' },
    ]),
  ).toBe('INVALID_CONFIG');
  expect(at.image.configOf('topic', 'a').get('retention.ms')).toBe('5');
  expect(alter([{ name: 'retention.ms', value: null }])).toBe('NONE');
  expect(at.image.configOf('topic', 'a').size).toBe(0);
  expect(alter([], 'absent')).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  expect(alter([{ name: 'meridian.origin.region', value: 'x' }])).toBe('INVALID_CONFIG');
});

test('a broker’s configs can be changed where they are dynamic', () => {
  const at = scenario();
  const alter = (broker: string, name: string): string => {
    const resources = [{ resource: 'broker' as const, name: broker, changes: [{ name, value: '7' }] }];
    const result = at.run({ kind: 'alterConfigs', requester: 'client', validateOnly: false, resources });
    return errorName(result.resources[0]!.errorCode);
  };
  expect(alter('', 'log.retention.ms')).toBe('NONE');
  expect(alter('1', 'node.id')).toBe('INVALID_REQUEST');
  expect(alter('9', 'log.retention.ms')).toBe('BROKER_ID_NOT_REGISTERED');
});

test('producer ids come in blocks of the region', () => {
  const at = scenario([1], { regionId: 5 });
  const first = at.run({ kind: 'allocateProducerIds', brokerId: 1 });
  const second = at.run({ kind: 'allocateProducerIds', brokerId: 1 });
  expect(first).toEqual({ errorCode: ERROR.NONE, first: 5 * 2 ** 40, count: 1000 });
  expect(second.first).toBe(first.first + 1000);
});

test('producer ids never run into the next region’s', () => {
  const at = scenario([1], { regionId: 4095 });
  at.image.nextProducerId = 4096 * 2 ** 40 - 1500;
  expect(at.run({ kind: 'allocateProducerIds', brokerId: 1 }).errorCode).toBe(ERROR.NONE);
  expect(at.run({ kind: 'allocateProducerIds', brokerId: 1 }).errorCode).toBe(ERROR.UNKNOWN_SERVER_ERROR);
});

test('an unregistered broker gets no producer ids', () => {
  expect(scenario().run({ kind: 'allocateProducerIds', brokerId: 4 }).errorCode).toBe(ERROR.BROKER_ID_NOT_REGISTERED);
});

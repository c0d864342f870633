import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { CompactedTopic, type CompactedTopicOptions } from './compacted-topic.ts';

const TOPIC = '__meridian_test';

async function setUp(options: Partial<CompactedTopicOptions> = {}) {
  const world = createSimWorld({ seed: 3 });
  const broker = new FakeBroker({ host: 'broker', port: 9092 });
  await world.settle(broker.start(world.node('broker').boot()));
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9092 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const open = () => {
    const state = new Map<string, string | null>();
    const topic = new CompactedTopic({
      ...{ io, client, topic: TOPIC, createPartitions: 1 },
      onRecord: (key, value) => state.set(key.toString(), value?.toString() ?? null),
      onReset: () => state.clear(),
      ...options,
    });
    return { topic, state };
  };
  return { world, io, broker, client, open };
}

const put = (topic: CompactedTopic, key: string, value: string | null) =>
  topic.put(Buffer.from(key), value === null ? null : Buffer.from(value));

test('what was put is there when the call comes back, and whoever begins later reads all of it', async () => {
  const { world, open } = await setUp();
  const first = open();
  expect(await world.settle(put(first.topic, 'a', '1'))).toBe(0);
  await world.settle(put(first.topic, 'b', '2'));
  await world.settle(put(first.topic, 'a', null));
  expect([...first.state]).toEqual([
    ['a', null],
    ['b', '2'],
  ]);
  const second = open();
  await world.settle(second.topic.ready());
  expect([...second.state]).toEqual([...first.state]);
});

test('a topic that had to be made first is not waited for longer than the broker takes', async () => {
  const { world, io, open } = await setUp();
  const began = io.clock.monotonic();
  await world.settle(put(open().topic, 'a', '1'));
  expect(io.clock.monotonic() - began).toBeLessThan(100);
});

test('a topic that we may not read is told at once, with the reason: waiting does not help', async () => {
  const { world, io, broker, open } = await setUp({ createPartitions: undefined });
  broker.forbidden.add(TOPIC);
  const began = io.clock.monotonic();
  await expect(world.settle(open().topic.ready())).rejects.toThrow(`${TOPIC}, TOPIC_AUTHORIZATION_FAILED: `);
  expect(io.clock.monotonic() - began).toBeLessThan(100);
});

test('who follows hears of what others put', async () => {
  const { world, open } = await setUp();
  const [writer, reader] = [open(), open()];
  await world.settle(put(writer.topic, 'a', '1'));
  await world.settle(reader.topic.ready());
  await world.settle(put(writer.topic, 'a', '2'));
  expect(await world.runUntil(() => reader.state.get('a') === '2', 1_000)).toBe(true);
});

test('a log of which compaction took the beginning and the end is read to its end', async () => {
  const { world, broker, open } = await setUp();
  const { topic } = open();
  for (const key of ['a', 'b', 'c', 'd']) await world.settle(put(topic, key, key));
  broker.partition(TOPIC).compact(0, 2);
  broker.partition(TOPIC).compact(3, 4);
  const later = open();
  await world.settle(later.topic.ready());
  expect([...later.state.keys()]).toEqual(['c']);
});

test('a topic that was deleted and made anew is read anew, and nothing of the old one is left', async () => {
  const { world, broker, open } = await setUp();
  const { topic, state } = open();
  await world.settle(put(topic, 'a', '1'));
  await world.settle(put(topic, 'b', '1'));
  broker.topics.delete(TOPIC);
  broker.createTopic(TOPIC, 1);
  const other = open();
  await world.settle(put(other.topic, 'c', '2'));
  await world.settle(topic.ready());
  expect([...state.keys()]).toEqual(['c']);
});

test('a topic that is not there is empty for a reader that may not make it', async () => {
  const { world, client, broker } = await setUp();
  const io = world.node('reader').boot();
  const topic = new CompactedTopic({ io, client, topic: TOPIC, onRecord: () => undefined });
  await world.settle(topic.ready());
  await expect(world.settle(put(topic, 'a', '1'))).rejects.toMatchObject({ code: 'unwritten' });
  expect(broker.topics.has(TOPIC)).toBe(false);
});

test('a record that its reader cannot take is told by whoever asks, and not passed over', async () => {
  const { world, open } = await setUp({
    onRecord: (key) => {
      if (key.toString() === 'bad') throw new Error('cannot be read');
    },
  });
  const { topic } = open();
  await world.settle(put(topic, 'good', '1'));
  await expect(world.settle(put(topic, 'bad', '1'))).rejects.toThrow('cannot be read');
  await expect(world.settle(topic.ready())).rejects.toThrow('cannot be read');
});

test('it ends with an error when the cluster is away, and goes on when it is back', async () => {
  const { world, broker, open } = await setUp();
  const { topic, state } = open();
  await world.settle(put(topic, 'a', '1'));
  broker.intercept = () => 'drop';
  await expect(world.settle(topic.ready())).rejects.toThrow();
  broker.intercept = undefined;
  await world.settle(put(topic, 'b', '2'));
  expect([...state.keys()]).toEqual(['a', 'b']);
});

test('a topic that is made has each record on the disk before it is acknowledged, unless that is not wanted', async () => {
  const own = await setUp();
  await own.world.settle(put(own.open().topic, 'a', '1'));
  expect(own.broker.topics.get(TOPIC)?.configs.get('flush.messages')).toBe('1');
  const many = await setUp({ isFlushed: false });
  await many.world.settle(put(many.open().topic, 'a', '1'));
  expect(many.broker.topics.get(TOPIC)?.configs.has('flush.messages')).toBe(false);
});

import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { CompactedTopic } from './compacted-topic.ts';
import { FactsStore } from './facts-store.ts';
import { RegionCopies } from './region-copies.ts';
import { encodeRunChange, RUNS_PARTITIONS, RUNS_TOPIC, type RunChange, runsPartitionOf } from './run-records.ts';
import { Translator } from './translator.ts';

const tenure = { producerId: 7, producerEpoch: 1, localStart: 0 };
const put = (originStart: number, localStart: number, count: number): RunChange => ({
  type: 'put',
  run: { originEpoch: 0, originStart, localStart, count, tenure },
});

function batch(count: number, control = false): Buffer {
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: Buffer.alloc(4), value: Buffer.alloc(6) }));
  return Buffer.from(writeBatch({ records, control }).buffer);
}

/** Two regions that stand; us is Meridian's, eu is Apache Kafka. */
async function setUp() {
  const world = createSimWorld({ seed: 11 });
  const region = async (name: string, engine: 'embedded' | 'kafka') => {
    const broker = new FakeBroker({ host: name, port: 9092 });
    await world.settle(broker.start(world.node(name).boot()));
    const io = world.node(`${name}-client`).boot();
    const bootstrap = [{ host: name, port: 9092 }];
    const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
    const offsets = new Map();
    const copies = new RegionCopies({ io, client, engine });
    return {
      name,
      broker,
      io,
      client,
      copies,
      offsets,
      translator: { copies, client: { committedOffsets: async () => offsets } },
    };
  };
  const [us, eu] = [await region('us', 'embedded'), await region('eu', 'kafka')];
  for (let n = 0; n < 20; n++) eu.broker.createTopic('x', 1); // topic ids count from one in each of the fakes
  eu.broker.topics.delete('x');
  const translator = new Translator(new Map([us, eu].map((each) => [each.name, each.translator])));
  return { world, us, eu, translator };
}

type Stage = Awaited<ReturnType<typeof setUp>>;

/** `orders` of us, re-based into eu as `us.orders`: records 0..9 at 1..10, a control batch at 10, 11..14 at 11..14. */
async function rebased({ world, us, eu }: Stage) {
  const origin = us.broker.createTopic('orders', 2);
  const copy = eu.broker.createTopic('us.orders', 2);
  for (const size of [10, 1, 5]) us.broker.partition('orders').append(batch(size, size === 1));
  for (const size of [1, 10, 5]) eu.broker.partition('us.orders').append(batch(size, size === 1));
  const facts = new FactsStore({ io: eu.io, client: eu.client, mayCreate: true });
  const names = { copy: copy.name, copyId: copy.id, originRegion: 'us', originTopic: 'orders' };
  const record = { ...names, originTopicId: origin.id, incarnation: 1, policy: 'prefix', link: 'us-eu' } as const;
  await world.settle(facts.put(record, undefined));
  eu.broker.createTopic(RUNS_TOPIC, RUNS_PARTITIONS);
  const place = { copyId: copy.id, partition: 0 };
  const runs = new CompactedTopic({
    ...{ io: eu.io, client: eu.client, topic: RUNS_TOPIC, partition: runsPartitionOf(place) },
    onRecord: () => undefined,
  });
  const changes = [put(0, 1, 10), put(11, 11, 0)];
  await world.settle(runs.putAll(changes.map((change) => encodeRunChange(place, change))));
  return { facts, record };
}

const at = (offset: number, topic = 'orders', partition = 0) => ({ topic, partition, offset });

test('an offset translates both ways between the origin and its re-based copy, found by its facts', async () => {
  const stage = await setUp();
  await rebased(stage);
  const { world, translator } = stage;
  const there = await world.settle(translator.offsets([at(0), at(10), at(13), at(16), at(17)], 'us', 'eu'));
  expect(there.map(({ translation }) => translation)).toEqual([
    { status: 'exact', offset: 1 },
    { status: 'exact', offset: 11 },
    { status: 'exact', offset: 13 },
    { status: 'exact', offset: 16 },
    { status: 'behind', records: 1 },
  ]);
  expect(there[0]?.toTopic).toBe('us.orders');
  const back = await world.settle(translator.offsets([at(0, 'us.orders'), at(13, 'us.orders')], 'eu', 'us'));
  expect(back.map(({ translation }) => translation)).toEqual([
    { status: 'exact', offset: 0 },
    { status: 'exact', offset: 13 },
  ]);
});

test('the marker of a take-over behind the last record is no record, though its run is open still', async () => {
  const stage = await setUp();
  await rebased(stage);
  const { world, translator, eu, us } = stage;
  for (let n = 0; n < 12; n++) eu.broker.partition('us.orders').append(batch(1, true));
  us.broker.partition('orders').append(batch(5));
  const [found] = await world.settle(translator.offsets([at(17)], 'us', 'eu'));
  expect(found?.translation).toEqual({ status: 'behind', records: 1 });
  const back = await world.settle(translator.offsets([at(16, 'us.orders'), at(28, 'us.orders')], 'eu', 'us'));
  expect(back.map(({ translation }) => translation)).toEqual([
    { status: 'exact', offset: 16 },
    { status: 'exact', offset: 16 },
  ]);
});

test('a partition that is not there yet and a topic without a counterpart are answered with why', async () => {
  const stage = await setUp();
  await rebased(stage);
  const { world, translator, us } = stage;
  us.broker.createTopic('lonely', 1);
  us.broker.createTopic('eu.orders', 1); // called like a copy, but none
  const found = await world.settle(
    translator.offsets([at(1, 'lonely'), at(1, 'eu.orders'), at(0, 'orders', 7)], 'us', 'eu'),
  );
  expect(found.map(({ translation }) => translation)).toEqual([
    { status: 'no-copy', reason: 'lonely has no counterpart there' },
    { status: 'no-copy', reason: 'eu.orders has no counterpart there' },
    { status: 'no-copy', reason: 'orders has no partition 7' },
  ]);
  us.broker.topics.delete('lonely'); // the region's topics were asked for a moment ago
  const [one, two] = await world.settle(translator.offsets([at(1), at(1, 'us.orders')], 'us', 'eu'));
  expect([one?.translation.status, two?.translation.status]).toEqual(['exact', 'no-copy']);
  await expect(world.settle(translator.offsets([at(1)], 'us', 'mars'))).rejects.toMatchObject({ code: 'no-region' });
});

test('a group of which nobody tells anything is not one that has committed nothing', async () => {
  const us = { client: { committedOffsets: async () => new Map() } };
  const translator = new Translator(new Map([['us', us as never]]));
  await expect(translator.group('billing', 'us', 'eu')).rejects.toMatchObject({ code: 'group-unread' });
});

test('a copy in our own brokers is known by its configs and has the offsets of its origin', async () => {
  const { world, translator, us, eu } = await setUp();
  const origin = eu.broker.createTopic('plans', 1);
  us.broker.createTopic('copy-of-plans', 1, {
    ...{ 'meridian.origin.region': 'eu', 'meridian.origin.topic.id': origin.id, 'meridian.origin.incarnation': '1' },
  });
  eu.broker.partition('plans').append(batch(10));
  us.broker.partition('copy-of-plans').append(batch(7));
  const found = await world.settle(translator.offsets([at(7, 'plans'), at(9, 'plans')], 'eu', 'us'));
  expect(found.map(({ toTopic, translation }) => [toTopic, translation])).toEqual([
    ['copy-of-plans', { status: 'exact', offset: 7 }],
    ['copy-of-plans', { status: 'behind', records: 2 }],
  ]);
});

test('a group translates as a whole', async () => {
  const stage = await setUp();
  await rebased(stage);
  const { world, translator, us } = stage;
  us.offsets.set('readers', [
    { ...at(13), leaderEpoch: -1, metadata: '' },
    { ...at(0), partition: 1, leaderEpoch: -1, metadata: '' },
  ]);
  const found = await world.settle(translator.group('readers', 'us', 'eu'));
  expect(found).toEqual([
    { ...at(13), toTopic: 'us.orders', translation: { status: 'exact', offset: 13 } },
    { ...at(0), partition: 1, toTopic: 'us.orders', translation: { status: 'exact', offset: 0 } },
  ]);
});

test('a promoted copy translates below its cut to its origin, and above it to its own copies', async () => {
  const stage = await setUp();
  const { facts, record } = await rebased(stage);
  const { world, translator, us, eu } = stage;
  eu.broker.partition('us.orders').append(batch(1, true)); // who promotes fences, which leaves a marker
  await world.settle(facts.put({ ...record, incarnation: 2, promotedAt: [17, 0] }, facts.get(record.copyId)));
  eu.broker.partition('us.orders').append(batch(4));
  us.broker.partition('orders').append(batch(3)); // only us had these
  const there = await world.settle(translator.offsets([at(13), at(16), at(17)], 'us', 'eu'));
  expect(there.map(({ translation }) => translation)).toEqual([
    { status: 'exact', offset: 13 },
    { status: 'exact', offset: 16 },
    { status: 'gap', from: 17, to: 18, offset: 17 },
  ]);
  us.broker.topics.delete('orders');
  const again = us.broker.createTopic('orders', 2, {
    'meridian.origin.region': 'eu',
    'meridian.origin.topic.id': record.copyId,
  });
  expect(again.id).not.toBe(record.originTopicId);
  us.broker.partition('orders').append(batch(20));
  await world.run(world.now() + 2_000);
  const [back] = await world.settle(translator.offsets([at(18, 'us.orders')], 'eu', 'us'));
  expect(back?.translation).toEqual({ status: 'exact', offset: 18 });
});

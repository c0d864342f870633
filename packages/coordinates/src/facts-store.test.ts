import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { CompactedTopic } from './compacted-topic.ts';
import { FactsStore, TOPICS_TOPIC } from './facts-store.ts';
import type { CopyFacts } from './topic-facts.ts';

const uuid = (last: string): string => `00000000-0000-4000-8000-00000000000${last}`;
const names = { copy: 'us.orders', originRegion: 'us', originTopic: 'orders', originTopicId: uuid('f') };
const FACTS: CopyFacts = { ...names, copyId: uuid('a'), incarnation: 1, policy: 'prefix', link: 'us-eu' };

async function setUp() {
  const world = createSimWorld({ seed: 9 });
  const broker = new FakeBroker({ host: 'eu', port: 9092 });
  await world.settle(broker.start(world.node('eu').boot()));
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'eu', port: 9092 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const open = (mayCreate = true) => new FactsStore({ io, client, mayCreate });
  return { world, io, client, broker, open };
}

test('what the keeper has written everybody reads, also after a restart', async () => {
  const { world, open } = await setUp();
  const keeper = open();
  expect(await world.settle(keeper.put(FACTS, undefined))).toBe(true);
  const next = { ...FACTS, copyId: uuid('b'), incarnation: 2 };
  expect(await world.settle(keeper.put(next, undefined))).toBe(true);
  const reader = open(false);
  await world.settle(reader.ready());
  expect(reader.byOrigin('us', uuid('f'))).toEqual([next, FACTS]);
  await world.settle(keeper.remove(FACTS.copyId));
  await world.settle(reader.ready());
  expect(reader.get(FACTS.copyId)).toBeUndefined();
});

test('a keeper that takes the copy for something else than it is has to look again', async () => {
  const { world, open } = await setUp();
  const [one, two] = [open(), open()];
  await world.settle(one.put(FACTS, undefined));
  expect(await world.settle(two.put({ ...FACTS, incarnation: 2 }, undefined))).toBe(false);
  expect(await world.settle(two.put({ ...FACTS, incarnation: 2 }, two.get(FACTS.copyId)))).toBe(true);
  expect(await world.settle(one.put({ ...FACTS, incarnation: 3 }, FACTS))).toBe(false);
  expect(one.get(FACTS.copyId)?.incarnation).toBe(2);
});

test('a copy that is announced is being made until its facts are written, also for who reads later', async () => {
  const { world, open } = await setUp();
  const keeper = open();
  await world.settle(keeper.announce(['us.orders', 'us.plans']));
  const reader = open(false);
  await world.settle(reader.ready());
  expect(['us.orders', 'us.plans', 'x'].map((name) => reader.isBeingMade(name))).toEqual([true, true, false]);
  await world.settle(keeper.put(FACTS, undefined));
  await world.settle(reader.ready());
  expect(['us.orders', 'us.plans'].map((name) => reader.isBeingMade(name))).toEqual([false, true]);
  await world.run(world.now() + 3_700_000);
  expect(reader.isBeingMade('us.plans')).toBe(false);
});

test('what a copy’s origin has and it cannot have is known after a restart, and goes with the copy', async () => {
  const { world, io, client, open } = await setUp();
  const keeper = open();
  await world.settle(keeper.put(FACTS, undefined));
  await world.settle(keeper.withhold(new Map([[FACTS.copyId, { 'retention.ms': '7' }]])));
  const reader = open(false);
  await world.settle(reader.ready());
  expect(reader.withheldOf(FACTS.copyId)).toEqual({ 'retention.ms': '7' });
  await world.settle(keeper.ready());
  await world.settle(keeper.remove(FACTS.copyId));
  await world.settle(reader.ready());
  expect([reader.withheldOf(FACTS.copyId), reader.get(FACTS.copyId)]).toEqual([undefined, undefined]);
  const raw = new CompactedTopic({ io, client, topic: TOPICS_TOPIC, onRecord: () => undefined });
  await world.settle(raw.put(Buffer.from(`withheld/${uuid('c')}`), Buffer.from('{"v":1,"configs":{"a":7}}')));
  await expect(world.settle(reader.ready())).rejects.toMatchObject({ code: 'topic-record' });
});

test('a record of another version is told, not guessed, and records of other kinds are passed over', async () => {
  const { world, io, client, open } = await setUp();
  const store = open();
  await world.settle(store.put(FACTS, undefined));
  const raw = new CompactedTopic({ io, client, topic: TOPICS_TOPIC, onRecord: () => undefined });
  await world.settle(raw.put(Buffer.from('run/7'), Buffer.from('whatever')));
  await world.settle(store.ready());
  await world.settle(raw.put(Buffer.from(`copy/${uuid('c')}`), Buffer.from('{"v":2}')));
  await expect(world.settle(store.ready())).rejects.toMatchObject({ code: 'topic-record' });
});

/** What the Kafka client's answers become, over a broker that fails in part. */
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { TopicFacts } from './broker-port.ts';
import { createClientBroker } from './client-broker.ts';

async function setUp() {
  const world = createSimWorld({ seed: 3 });
  const secret = 'very secret';
  const fake = new FakeBroker({ host: 'broker', port: 9093, secret });
  await world.settle(fake.start(world.node('broker').boot()));
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const io = world.node('gateway').boot();
  const broker = createClientBroker(io, { region: 'eu-west', engine: 'embedded', bootstrap, secret }, silentLogger);
  return { world, fake, broker };
}

async function topicOf({ world, fake, broker }: Awaited<ReturnType<typeof setUp>>, partitions: number) {
  fake.createTopic('acme.cities', partitions);
  const found = await world.settle(broker.describe(['acme.cities']));
  return found.get('acme.cities') as TopicFacts;
}

const batch = (count: number): Buffer => {
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null }));
  return Buffer.from(writeBatch({ records }));
};

test('a partition whose storage is offline has no ends, and holds the others up no longer than the retries', async () => {
  const all = await setUp();
  const { world, fake, broker } = all;
  const topic = await topicOf(all, 2);
  fake.partition('acme.cities', 1).append(batch(3));
  fake.partition('acme.cities', 0).lookUpError = ERROR.KAFKA_STORAGE_ERROR;
  const before = world.now();
  const queries = [0, 1].map((partition) => ({ partition, epoch: 0 }));
  expect(await world.settle(broker.ends(topic, queries))).toEqual([
    undefined,
    { start: 0, end: 3, epochEnd: { epoch: 0, endOffset: 3 } },
  ]);
  expect(world.now() - before).toBeLessThan(1_000);
});

test('when no broker can be reached the look-up fails, and no partition is called unavailable', async () => {
  const all = await setUp();
  const { world, broker } = all;
  const topic = await topicOf(all, 1);
  world.node('broker').kill();
  const outcome = broker.ends(topic, [{ partition: 0, epoch: -1 }]).then(
    () => 'answered',
    () => 'failed',
  );
  expect(await world.settle(outcome)).toBe('failed');
});

test('a batch that is none is passed over with its coordinates, by the tail and by reads of old records', async () => {
  const all = await setUp();
  const { world, fake, broker } = all;
  const topic = await topicOf(all, 1);
  const log = fake.partition('acme.cities', 0);
  for (const count of [2, 3, 4]) log.append(batch(count));
  log.batches[1]?.writeUInt8(1, 16); // its magic
  const seen: unknown[] = [];
  const tail = broker.tail(topic, 0, 0, {
    onSlice: ({ buffers, undecodable }) => seen.push(undecodable ?? buffers[0]?.readBigInt64BE(0)),
    onAdvance: () => seen.push('advance'),
    onOutOfRange: () => seen.push('out of range'),
    onDiverged: () => seen.push('diverged'),
  });
  await world.run(world.now() + 2_000);
  const bad = { from: 2, to: 5, reason: 'a batch of magic 1 at offset 2' };
  expect(seen).toEqual([0n, bad, 5n]);
  tail.remove();
  const read = await world.settle(broker.read(topic, 0, 2, 1_000));
  expect(read).toMatchObject({ buffers: [], undecodable: bad });
});

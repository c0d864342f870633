/** Over a long way the leader moves while several fetches are under way to the one before, in a simulated world. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { MIRROR_FEATURE, READS_ON_LEVEL } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';

const VALUE_BYTES = 17_000;
const AHEAD = 14;
const ONE_WAY_MS = 50;
const ALL = 400;

function batch(): Buffer {
  const bytes = writeBatch({ records: [{ timestamp: 1, key: null, value: new Uint8Array(VALUE_BYTES), headers: [] }] });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Two brokers, far away, and a fetcher; of what all fetchers may have under way, one leader can take everything. */
async function setUp(hints: boolean) {
  const world = createSimWorld({ seed: 7 });
  const features = { features: [MIRROR_FEATURE], level: READS_ON_LEVEL };
  const first = new FakeBroker({ host: 'first', port: 9093, nodeId: 1, ...features });
  const second = new FakeBroker({ host: 'second', port: 9093, nodeId: 2, beside: first, ...features });
  const io = world.node('client').boot();
  for (const [name, broker] of Object.entries({ first, second })) {
    await world.settle(broker.start(world.node(name).boot()));
    broker.hints = hints;
    world.link(name, 'client').set({ latencyMs: [ONE_WAY_MS, ONE_WAY_MS] });
  }
  first.createTopic('cities', 1);
  const partition = first.partition('cities');
  for (let count = 0; count < ALL; count++) partition.append(batch());
  const bootstrap = ['first', 'second'].map((host) => ({ host, port: 9093 }));
  const limits = { adaptiveBytes: AHEAD * VALUE_BYTES };
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger, limits });
  const came: number[] = [];
  const adaptive = { maxBytes: 5 * VALUE_BYTES, maxAheadBytes: AHEAD * VALUE_BYTES };
  client.fetcher({ maxBytes: 2.5 * VALUE_BYTES, partitionMaxBytes: 1.3 * VALUE_BYTES, adaptive }).add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onBatches: ({ baseOffset, nextOffset }) => {
      for (let offset = baseOffset; offset < nextOffset; offset++) came.push(offset);
    },
    onError: ({ detail }) => expect.fail(detail),
  });
  return { world, partition, came };
}

test.each([
  { how: 'moves', hints: false },
  { how: 'moves and tells where', hints: true },
  { how: 'dies', hints: false },
])('a partition whose leader $how goes on at the next one, as fast as before', async ({ how, hints }) => {
  const { world, partition, came } = await setUp(hints);
  await world.runUntil(() => came.length >= ALL / 2, 60_000);
  partition.leader = 2;
  partition.leaderEpoch++;
  if (how === 'dies') world.node('first').kill();
  const begun = world.now();
  await world.runUntil(() => came.length >= ALL, 60_000);
  expect(came).toEqual(Array.from({ length: ALL }, (_, index) => index));
  expect((world.now() - begun) / (2 * ONE_WAY_MS)).toBeLessThan(ALL / 8);
});

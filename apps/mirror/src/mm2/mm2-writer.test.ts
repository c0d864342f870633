import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { readRecords } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { SourceCommit } from '../groups/messages.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { decodeHeartbeat } from './heartbeat.ts';
import { type MirroredPlace, Mm2Writer } from './mm2-writer.ts';
import { decodeOffsetSync } from './offset-sync.ts';
import type { StoredKeyValue } from './struct-bytes.ts';

async function stage() {
  const world = createSimWorld({ seed: 7 });
  const us = new FakeBroker({ host: 'us', port: 9092 });
  const eu = new FakeBroker({ host: 'eu', port: 9092 });
  await world.settle(us.start(world.node('us').boot()));
  await world.settle(eu.start(world.node('eu').boot()));
  const io = world.node('mirror').boot();
  const clientOf = (host: string) =>
    createClient({ io, bootstrap: [{ host, port: 9092 }], clientId: 'mirror', log: silentLogger });
  const places: MirroredPlace[] = [];
  const writer = new Mm2Writer({
    io,
    log: silentLogger,
    limits: DEFAULT_LIMITS,
    from: 'us-east',
    to: 'eu-west',
    source: clientOf('us'),
    target: clientOf('eu'),
    isKeeper: true,
    places: async () => places.splice(0),
  });
  return { world, us, eu, writer, places };
}

function stored<T>(broker: FakeBroker, topic: string, decode: (record: StoredKeyValue) => T | undefined): T[] {
  const { batches } = broker.partition(topic, 0);
  return batches
    .flatMap((batch) => [...readRecords(batch)])
    .map(({ key, value }) => decode({ key: bufferOf(key), value: bufferOf(value) })!);
}

const bufferOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes));

function commit(offset: number, more: Partial<SourceCommit> = {}): SourceCommit {
  const place = {
    topic: 'orders',
    partition: 2,
    counterpart: 'us-east.orders',
    counterpartId: 'copy',
    isOrigin: true,
    commonEnd: 90,
  };
  return { ...place, offset, metadata: 'm', translation: { status: 'exact', offset: offset - 5 }, ...more };
}

test('heartbeats are written at the source once a second, checkpoints and syncs when something moved', async () => {
  const { world, us, eu, writer, places } = await stage();
  writer.start();
  await world.run(world.now() + 500);
  writer.hearTranslated('billing', [commit(70)]);
  writer.hearTranslated('billing', [commit(70)]);
  places.push({ topic: 'orders', partition: 2, upstreamOffset: 99, downstreamOffset: 94 });
  await world.run(world.now() + 5_000);
  writer.hearTranslated('billing', [commit(120, { translation: { status: 'behind', records: 20 } })]);
  places.push({ topic: 'orders', partition: 2, upstreamOffset: 150, downstreamOffset: 144 });
  await world.run(world.now() + 5_000);
  await world.settle(writer.stop());

  const heartbeats = stored(us, 'heartbeats', decodeHeartbeat);
  expect(heartbeats.length).toBeGreaterThanOrEqual(10);
  expect(heartbeats[0]).toMatchObject({ sourceAlias: 'us-east', targetAlias: 'eu-west' });
  expect(stored(us, 'mm2-offset-syncs.eu-west.internal', decodeOffsetSync)).toEqual([
    { topic: 'orders', partition: 2, upstreamOffset: 99, downstreamOffset: 94 },
    { topic: 'orders', partition: 2, upstreamOffset: 150, downstreamOffset: 144 },
  ]);
  const at = { group: 'billing', topic: 'us-east.orders', partition: 2, metadata: 'm' };
  expect(stored(eu, 'us-east.checkpoints.internal', decodeCheckpoint)).toEqual([
    { ...at, upstreamOffset: 70, downstreamOffset: 65 },
    { ...at, upstreamOffset: 120, downstreamOffset: 90 },
  ]);
  expect(eu.topics.get('us-east.checkpoints.internal')!.configs.get('cleanup.policy')).toBe('compact');
});

test('a source that is away is told of, and checkpoints are written all the same', async () => {
  const { world, us, eu, writer } = await stage();
  world.node('us').kill();
  writer.start();
  writer.hearTranslated('billing', [commit(70)]);
  await world.run(world.now() + 30_000);
  expect(stored(eu, 'us-east.checkpoints.internal', decodeCheckpoint)).toHaveLength(1);
  expect(writer.trouble).not.toBeNull();
  await world.settle(us.restart(world.node('us').boot()));
  await world.run(world.now() + 30_000);
  expect(writer.trouble).toBeNull();
  await world.settle(writer.stop());
});

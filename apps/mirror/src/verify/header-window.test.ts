/** Verification by headers of batches, between brokers that send them and brokers that do not. */
import { type Client, createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { nativeCrc32c } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { HeaderReader } from './header-window.ts';
import { PartitionVerifier, SAME_OFFSETS } from './partition-verifier.ts';

const BOUNDS = {
  ...{ windowOffsets: 40, windowBytes: 100_000, headerWindowOffsets: 160, headerWindowBytes: 3_000 },
  ...{ maxKeys: 100, timeoutMs: 2_000 },
};
const BATCHES = 60;
const RECORDS = 10;

function batch(at: number, value = 'measured'): Buffer {
  const records = Array.from({ length: RECORDS }, (_, n) => ({
    ...{ timestamp: 1, key: null, headers: [] },
    value: Buffer.from(`${value} ${at * RECORDS + n} ${'.'.repeat(100)}`),
  }));
  return Buffer.from(writeBatch({ records, crc: nativeCrc32c }));
}

async function setUp({ withHeaders = true, other = -1, missing = 0 } = {}) {
  const world = createSimWorld({ seed: 5 });
  const sides = ['there', 'here'].map((host) => new FakeBroker({ host, port: 9092, features: ['meridian.mirror'] }));
  for (const [index, broker] of sides.entries()) {
    if (withHeaders) broker.packs = () => undefined;
    broker.createTopic('cities', 1);
    await world.settle(broker.start(world.node(index === 0 ? 'there' : 'here').boot()));
    for (let at = 0; at < BATCHES - index * missing; at++)
      broker.partition('cities').append(batch(at, index === 1 && at === other ? 'another' : 'measured'));
  }
  const io: Io = world.node('mirror').boot();
  const clients = ['there', 'here'].map((host) =>
    createClient({ io, bootstrap: [{ host, port: 9092 }], clientId: 't', log: silentLogger }),
  );
  const [there, here] = clients as [Client, Client];
  const place = (index: number) => ({
    ...{ topic: 'cities', partition: 0, topicId: sides[index]!.topics.get('cities')!.id },
    fetcher: clients[index]!.fetcher(),
  });
  const verifier = new PartitionVerifier(
    {
      timers: io.timers,
      ...{ origin: place(0), copy: place(1), coordinates: SAME_OFFSETS, isRebased: false, isCompacted: false },
      headers: { origin: new HeaderReader(there, io.timers), copy: new HeaderReader(here, io.timers) },
    },
    BOUNDS,
    0,
  );
  const verify = (to = BATCHES * RECORDS) => world.settle(verifier.verify(to, new AbortController().signal));
  return { world, sides, io, there, place, verify };
}

test('equal logs are found equal by headers, and every record counts', async () => {
  const { sides, verify } = await setUp();
  const whole = sides.flatMap((broker) => broker.partition('cities').batches);
  const sizeInBytes = whole.reduce((sum, { length }) => sum + length, 0);
  expect(await verify()).toMatchObject({ from: 0, end: 600, records: 600, sizeInBytes, difference: null });
});

test('the first record that differs is named, though headers do not have it', async () => {
  const { verify } = await setUp({ other: 33 });
  expect(await verify()).toMatchObject({ end: 330, difference: { offset: 330, kind: 'different' } });
});

test('a copy that is shorter than it says is not called equal', async () => {
  const { verify } = await setUp({ missing: 5 });
  await expect(verify()).rejects.toThrow(/cities-0 ends at 550/);
});

test('brokers that send no headers are compared by records', async () => {
  const { verify } = await setUp({ withHeaders: false });
  expect(await verify()).toMatchObject({ from: 0, end: 600, records: 600, difference: null });
  const { verify: other } = await setUp({ withHeaders: false, other: 7 });
  expect(await other()).toMatchObject({ difference: { offset: 70, kind: 'different' } });
});

test('a hole is passed, and what the origin has deleted', async () => {
  const { sides, verify } = await setUp();
  for (const broker of sides) {
    const { batches } = broker.partition('cities');
    batches.splice(20, 10);
    broker.partition('cities').startOffset = 100;
  }
  expect(await verify()).toMatchObject({ end: 600, difference: null });
});

test('headers that make no sense are no window', async () => {
  const { world, sides, io, there, place } = await setUp();
  const { batches } = sides[0]!.partition('cities');
  batches.push(batches[3]!);
  const reader = new HeaderReader(there, io.timers);
  const read = reader.read(place(0), { from: 0, to: 600, maxBytes: 1_000_000, timeoutMs: 1_000 });
  await expect(world.settle(read)).rejects.toThrow(/cities-0: a batch 30\.\.39 where 600 is next/);
});

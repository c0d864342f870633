/** The mirror between two clusters whose partitions' leaders move: the copy stays what the origin is, and nothing halts. */
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { batchBaseOffset, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createMirror } from './mirror.ts';

const SECRET = 'between the regions';
const COPY = 'us-east.cities';
const PORT = 9093;

function batchOf(count: number): Buffer {
  const records = Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null }));
  return Buffer.from(writeBatch({ records }));
}

async function stage(seed: number, hints: boolean) {
  const world = createSimWorld({ seed });
  const pair = (name: string, features: readonly string[]): [FakeBroker, FakeBroker] => {
    const first = new FakeBroker({ host: `${name}-1`, port: PORT, secret: SECRET, features });
    return [
      first,
      new FakeBroker({ host: `${name}-2`, port: PORT, nodeId: 2, beside: first, secret: SECRET, features }),
    ];
  };
  const us = pair('us', []);
  const eu = pair('eu', ['meridian.mirror']);
  for (const [index, broker] of [...us, ...eu].entries()) {
    broker.hints = hints;
    await world.settle(broker.start(world.node(`${index < 2 ? 'us' : 'eu'}-${(index % 2) + 1}`).boot()));
  }
  const bootstrap = (name: string) => [1, 2].map((id) => ({ host: `${name}-${id}`, port: PORT }));
  const config = {
    region: 'eu-west',
    secret: SECRET,
    target: { bootstrap: bootstrap('eu') },
    sources: [{ region: 'us-east', bootstrap: bootstrap('us') }],
    links: [{ from: 'us-east', to: 'eu-west' }],
    management: { host: 'mirror', port: 9194 },
  };
  const io = world.node('mirror').boot();
  const mirror = await world.settle(createMirror({ io, config, log: silentLogger, listen: false }));
  us[0].createTopic('cities', 1);
  const wake = (): void => {
    for (const broker of [...us, ...eu]) broker.wake();
  };
  const bytes = (broker: FakeBroker, name: string): string[] =>
    broker.topics
      .get(name)
      ?.partitions[0]?.batches.map((batch) => `${batchBaseOffset(batch)} ${batch.subarray(16).toString('hex')}`) ?? [];
  return {
    world,
    origin: us[0].partition('cities'),
    copy: () => eu[0].topics.get(COPY)?.partitions[0],
    status: () => mirror.status()[0]!.partitions[0],
    isSame: () => bytes(us[0], 'cities').join() === bytes(eu[0], COPY).join(),
    wake,
  };
}

test.each([
  [1, true],
  [2, false],
  [3, true],
  [4, false],
])('leaders that move on both sides leave the copy equal, seed %i, hints %s', async (seed, hints) => {
  const { world, origin, copy, status, isSame, wake } = await stage(seed, hints);
  for (let round = 0; round < 60; round++) {
    origin.append(batchOf(1 + (round % 5)));
    wake();
    await world.run(world.now() + Math.floor(world.random.next() * 60));
    if (round % 7 === 3) origin.lead(1 + (round % 2));
    if (round % 5 === 4) copy()?.lead(1 + (round % 2));
    if (round % 11 === 6) origin.highWatermark = origin.endOffset - 1;
    else origin.highWatermark = undefined;
    expect(status()?.state).not.toBe('halted');
  }
  origin.highWatermark = undefined;
  wake();
  expect(
    await world.runUntil(() => isSame() && status()?.lastVerifiedOffset === origin.endOffset, 30_000),
    JSON.stringify(status()),
  ).toBe(true);
  expect(status()).toMatchObject({ state: 'running', position: origin.endOffset, lagRecords: 0 });
});

test('a new leader at the origin that lost what the copy has is a divergence', async () => {
  const { world, origin, status, isSame, wake } = await stage(5, true);
  for (let batch = 0; batch < 3; batch++) origin.append(batchOf(2));
  wake();
  expect(await world.runUntil(() => isSame() && status()?.position === 6, 30_000)).toBe(true);
  origin.truncateTo(4);
  origin.lead(2);
  origin.append(batchOf(1));
  wake();
  expect(await world.runUntil(() => status()?.state === 'halted', 30_000)).toBe(true);
  expect(status()?.reason).toContain('diverged');
});

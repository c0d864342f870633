/** Several mirrors of one region against real brokers: who does what, and who takes over. */
import { createBroker } from '@meridian/broker';
import { type Client, createClient } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const IDS = [1] as const;
const [US, EU] = REGIONS;
const PARTITIONS = 12;
const addressOf = (region: string) => ({ host: brokerHost(region, 1), port: PORTS.internal });

class Stage {
  readonly world: SimWorld;
  readonly mirrors = new Map<string, Mirror>();
  source!: Client;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  async start(members: readonly string[]): Promise<this> {
    for (const plan of REGIONS) {
      const node = this.world.node(`${plan.name}/broker`, { host: brokerHost(plan.name, 1) });
      await this.world.settle(createBroker({ io: node.boot(), config: brokerConfig(plan, IDS, 1), log }));
    }
    const io = this.world.node('app').boot();
    this.source = createClient({ io, bootstrap: [addressOf(US.name)], clientId: 'app', secret: SECRET, log });
    await this.world.settle(this.source.createTopics([{ name: 'orders', numPartitions: PARTITIONS }]));
    for (const member of members) await this.startMirror(member);
    return this;
  }

  async startMirror(memberId: string): Promise<void> {
    const config = {
      ...{ region: EU.name, secret: SECRET, memberId },
      target: { bootstrap: [addressOf(EU.name)] },
      sources: [{ region: US.name, bootstrap: [addressOf(US.name)] }],
      links: [{ from: US.name, to: EU.name }],
      management: { host: memberId, port: 9094 },
    };
    const io = this.world.node(memberId).boot();
    this.mirrors.set(memberId, await this.world.settle(createMirror({ io, config, log, listen: false })));
  }

  kill(memberId: string): void {
    this.world.node(memberId).kill();
    this.mirrors.delete(memberId);
  }

  async write(): Promise<void> {
    const value = new TextEncoder().encode('an order');
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { buffer } = writeBatch({ records: [{ timestamp: 1, key: null, value, headers: [] }] });
      await this.world.settle(this.source.produce('orders', partition, [Buffer.from(buffer)]));
    }
  }

  /** Partitions by who mirrors them. */
  share(): Map<string, number[]> {
    return new Map(
      [...this.mirrors].map(([name, mirror]) => [
        name,
        mirror.status()[0]!.partitions.map(({ partition }) => partition),
      ]),
    );
  }

  /** Everything is mirrored to its end by somebody. */
  isCaughtUp(end: number): boolean {
    const all = [...this.mirrors.values()].flatMap((mirror) => mirror.status()[0]!.partitions);
    const done = new Set(all.flatMap(({ partition, position }) => (position === end ? [partition] : [])));
    return done.size === PARTITIONS && all.length === PARTITIONS;
  }

  async until(done: () => boolean, limitMs: number): Promise<void> {
    const told = () =>
      JSON.stringify(
        [...this.mirrors].map(([name, each]) => [name, each.status()]),
        null,
        1,
      );
    expect(await this.world.runUntil(done, limitMs), told()).toBe(true);
  }
}

test('a mirror alone begins at once with everything', async () => {
  const stage = await new Stage(1).start(['m1']);
  await stage.write();
  await stage.until(() => stage.isCaughtUp(1), 2_000);
});

test('a second mirror shares the work, and one keeps the copies', async () => {
  const stage = await new Stage(2).start(['m1', 'm2', 'm3']);
  await stage.write();
  await stage.until(() => stage.isCaughtUp(1), 15_000);
  for (const partitions of stage.share().values()) expect(partitions.length).toBeGreaterThan(0);
  expect([...stage.mirrors.values()].filter((mirror) => mirror.status()[0]!.isKeeper)).toHaveLength(1);
});

test('what a mirror did that was killed is done by the others within ten seconds, and nothing else moves', async () => {
  const stage = await new Stage(3).start(['m1', 'm2', 'm3']);
  await stage.write();
  await stage.until(() => stage.isCaughtUp(1), 15_000);
  const before = stage.share();
  stage.kill('m2');
  await stage.write();
  await stage.until(() => stage.isCaughtUp(2), 10_000);
  const after = stage.share();
  for (const member of ['m1', 'm3']) expect(after.get(member)).toEqual(expect.arrayContaining(before.get(member)!));
});

test('a mirror that is cut off stops before another begins, and shares again when it is back', async () => {
  const stage = await new Stage(4).start(['m1', 'm2']);
  await stage.write();
  await stage.until(() => stage.isCaughtUp(1), 15_000);
  const path = stage.world.link('m2', `${EU.name}/broker`);
  path.set({ cut: true });
  const link = () => stage.mirrors.get('m2')!.status()[0]!;
  await stage.until(() => link().reason?.startsWith('lost its lease') === true, 6_000);
  expect(stage.share().get('m1')!.length).toBeLessThan(PARTITIONS);
  await stage.until(() => stage.share().get('m1')!.length === PARTITIONS, 10_000);
  path.set({ cut: false });
  await stage.write();
  await stage.until(() => stage.isCaughtUp(2), 20_000);
});

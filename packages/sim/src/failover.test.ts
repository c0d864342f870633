/** A region is lost, another one takes over, and it comes back: real brokers and mirrors, by what operators ask of them. */
import { createBroker } from '@meridian/broker';
import { type Client, createClient, EARLIEST, LATEST } from '@meridian/client';
import { type Clock, silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { ERROR } from '@meridian/protocol';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './kafka/sim-kafka.ts';
import { SimKafkaDisk } from './kafka/sim-kafka-disk.ts';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const IDS = [1] as const;
const [US, EU] = REGIONS;
type Region = 'us-east' | 'eu-west';
const addressOf = (region: string) => ({ host: brokerHost(region, 1), port: PORTS.internal });

interface RunView {
  readonly id: string;
  readonly state: string;
  readonly topics: readonly { step: string; reason: string | null; aside: { topic: string; records: number } | null }[];
}

type Engines = Record<Region, 'embedded' | 'kafka'>;
const EMBEDDED: Engines = { 'us-east': 'embedded', 'eu-west': 'embedded' };

class Stage {
  readonly world: SimWorld;
  readonly clients = new Map<Region, Client>();
  readonly mirrors = new Map<Region, Mirror>();
  private readonly clock: Clock;
  private readonly engines: Engines;
  private readonly disks = { 'us-east': new SimKafkaDisk(), 'eu-west': new SimKafkaDisk() };

  constructor(seed: number, engines: Engines = EMBEDDED) {
    this.engines = engines;
    this.world = createSimWorld({ seed });
    this.clock = this.world.node('clock').boot().clock;
  }

  /** `links` into eu-west; orders is there, with two partitions. */
  async start(link: object): Promise<this> {
    for (const { name } of REGIONS) await this.startBroker(name as Region);
    await this.world.settle(this.of('us-east').createTopics([{ name: 'orders', numPartitions: 2 }]));
    await this.startMirror('eu-west', [{ from: US.name, to: EU.name, ...link }]);
    await this.startMirror('us-east', []);
    return this;
  }

  async startBroker(region: Region): Promise<void> {
    const plan = REGIONS.find(({ name }) => name === region)!;
    const node = this.world.node(`${region}/broker`, { host: brokerHost(region, 1) });
    const kafka = { ...addressOf(region), disk: this.disks[region], initialRebalanceDelayMs: 0 };
    const isKafka = this.engines[region] === 'kafka';
    const config = brokerConfig(plan, IDS, 1);
    const io = node.boot();
    await this.world.settle<unknown>(isKafka ? createSimKafka({ io, ...kafka }) : createBroker({ io, config, log }));
    if (this.clients.has(region)) return;
    const app = this.world.node(`app of ${region}`).boot();
    const reach = { bootstrap: [addressOf(region)], ...(!isKafka && { secret: SECRET }) };
    this.clients.set(region, createClient({ io: app, ...reach, clientId: 'app', log }));
  }

  async startMirror(region: Region, links: object[]): Promise<void> {
    const other: Region = region === 'us-east' ? 'eu-west' : 'us-east';
    const config = {
      ...{ region, secret: SECRET, memberId: 'mirror', links },
      target: this.reachOf(region),
      sources: [{ region: other, ...this.reachOf(other) }],
      management: { host: 'mirror', port: 9094 },
    };
    const io = this.world.node(`${region}/mirror`).boot();
    const limits = { closeMs: 100 };
    const mirror = createMirror({ io, config: config as never, log, limits, listen: false });
    this.mirrors.set(region, await this.world.settle(mirror));
  }

  private reachOf(region: Region) {
    const { host, port } = addressOf(region);
    if (this.engines[region] === 'embedded') return { bootstrap: [{ host, port }] };
    return { kafka: { 'bootstrap.servers': `${host}:${port}` } };
  }

  of(region: Region): Client {
    return this.clients.get(region)!;
  }

  async write(region: Region, partition: number, values: readonly string[], topic = 'orders'): Promise<number> {
    const timestamp = this.clock.now();
    const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value), headers: [] }));
    const { buffer } = writeBatch({ records });
    const answer = await this.world.settle(this.of(region).produce(topic, partition, [Buffer.from(buffer)]));
    return answer.errorCode;
  }

  /** By a producer that its broker remembers. */
  async writeAs(region: Region, value: string): Promise<void> {
    const { producerId, producerEpoch } = await this.world.settle(this.of(region).initProducerId());
    const records = [{ timestamp: this.clock.now(), key: null, value: Buffer.from(value), headers: [] }];
    const { buffer } = writeBatch({ records, producerId, producerEpoch, baseSequence: 0 });
    await this.world.settle(this.of(region).produce('orders', 0, [Buffer.from(buffer)]));
  }

  /** The region's mirror, some times, for as long as what it was told takes. */
  async killNowAndThen(region: Region, links: object[]): Promise<void> {
    for (let kills = 0; kills < 5; kills++) {
      await this.world.run(this.world.now() + this.world.random.next() * 1_500);
      this.world.node(`${region}/mirror`).kill();
      await this.startMirror(region, links);
    }
  }

  async read(region: Region, topic: string, partition: number) {
    const client = this.of(region);
    // It may have been deleted and made anew under its name.
    await this.world.settle(client.metadata([topic], { maxAgeMs: 0 }));
    const ask = async (timestamp: number) =>
      (await this.world.settle(client.listOffsets([{ topic, partition, timestamp }])))[0]!.offset;
    const [start, end] = [await ask(EARLIEST), await ask(LATEST)];
    const found: { offset: number; value: string; headers: string[] }[] = [];
    const fetcher = client.fetcher();
    let position = start;
    fetcher.add({
      ...{ topic, partition, offset: start },
      onBatches: ({ buffers, nextOffset }) => {
        for (const buffer of buffers) {
          for (const { bytes, header } of iterateBatches(buffer)) {
            if (header.isControl) continue;
            for (const { offset, value, headers } of readRecords(bytes)) {
              const told = headers.map(({ key, value: header }) => `${key}=${Buffer.from(header ?? []).toString()}`);
              found.push({ offset, value: Buffer.from(value ?? []).toString(), headers: told });
            }
          }
        }
        position = nextOffset;
      },
      onError: ({ detail }) => expect.fail(detail),
    });
    await this.until(() => position >= end);
    fetcher.close();
    return found;
  }

  async groupAt(region: Region, topic: string): Promise<number | undefined> {
    const found = await this.world.settle(this.of(region).committedOffsets(['billing']));
    return found.get('billing')?.find((commit) => commit.topic === topic && commit.partition === 0)?.offset;
  }

  /** The first record that the group has not read. */
  async nextOf(region: Region, topic: string): Promise<string | undefined> {
    const at = await this.groupAt(region, topic);
    return (await this.read(region, topic, 0)).find(({ offset }) => offset >= (at ?? 0))?.value;
  }

  async ask<T>(region: Region, method: string, path: string, input: object = {}): Promise<T> {
    const route = this.mirrors.get(region)!.routes.find((each) => each.method === method && each.path === path)!;
    const query = method === 'GET' ? (input as Record<string, string>) : {};
    const answer = Promise.resolve(route.handle({ params: {}, query, body: { force: false, ...input } }));
    return (await this.world.settle(answer)) as T;
  }

  async untilDone(region: Region, run: RunView, limitMs = 120_000): Promise<RunView> {
    let last = run;
    for (let waitedMs = 0; waitedMs < limitMs; waitedMs += 500) {
      const { runs } = await this.ask<{ runs: RunView[] }>(region, 'GET', '/v1/failover/runs');
      last = runs.find(({ id }) => id === run.id)!;
      if (last.state === 'done') return last;
      await this.world.run(this.world.now() + 500);
    }
    return expect.fail(JSON.stringify(last, null, 1));
  }

  async until(done: () => boolean, limitMs = 30_000): Promise<void> {
    const told = () =>
      JSON.stringify(
        [...this.mirrors.values()].flatMap((mirror) => mirror.status()),
        null,
        1,
      );
    expect(await this.world.runUntil(done, limitMs), told()).toBe(true);
  }

  isCopied(region: Region, ends: readonly number[]): boolean {
    const partitions = this.mirrors
      .get(region)!
      .status()
      .flatMap((link) => link.partitions);
    return ends.every((end, at) => partitions.some((each) => each.partition === at && each.position === end));
  }

  cut(isCut: boolean): void {
    this.world.link('eu-west/mirror', 'us-east/broker').set({ cut: isCut });
  }
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `order ${from + at}`);
const IDENTITY_LINK = { from: US.name, to: EU.name, policy: 'identity', topics: { list: ['orders'] } };
const IDENTITY = { policy: 'identity', topics: { list: ['orders'] } };

test('a lost region is taken over, and fails back: nothing is lost, merged or read twice', async () => {
  const stage = await new Stage(1).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 50));
  await stage.write('us-east', 1, ['one']);
  await stage.world.settle(
    stage.of('us-east').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 30 }]),
  );
  await stage.until(() => stage.isCopied('eu-west', [50, 1]));
  await stage.world.run(stage.world.now() + 2_000);
  expect(await stage.groupAt('eu-west', 'orders')).toBe(30);

  // Five records more are acknowledged in the region before it is lost.
  stage.cut(true);
  await stage.write('us-east', 0, ['only here 0', 'only here 1', 'only here 2', 'only here 3', 'only here 4']);
  stage.world.node('us-east/broker').kill();
  const plan = await stage.ask<object>('eu-west', 'GET', '/v1/failover', { name: 'orders' });
  expect(plan).toMatchObject({
    ...{ scope: { kind: 'topic', name: 'orders' }, loses: 0, unknown: 0, refusal: null },
    origins: [{ region: 'us-east', isReachable: false }],
    topics: [{ action: 'promote', partitions: [{ copyEnd: 50, sourceEnd: 50 }, { copyEnd: 1 }] }],
    groups: [{ group: 'billing', partition: 0, sourceOffset: 30, targetOffset: 30, rereads: 0 }],
  });
  expect(await stage.write('eu-west', 0, ['refused'])).not.toBe(ERROR.NONE);
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders' });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['after 0', 'after 1'])).toBe(ERROR.NONE);
  await stage.world.settle(
    stage.of('eu-west').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 52 }]),
  );

  await stage.startBroker('us-east');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 10_000);
  const back = await stage.ask<object>('us-east', 'GET', '/v1/failback', { name: 'orders' });
  expect(back).toMatchObject({
    aside: 5,
    topics: [{ from: 'eu-west', partitions: [{ cut: 50, localEnd: 55, promotedEnd: 52, aside: 5 }, { aside: 0 }] }],
  });
  const backRun = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders' });
  const done = await stage.untilDone('us-east', backRun);
  const aside = done.topics[0]!.aside!;
  expect(aside.records).toBe(5);
  const kept = await stage.read('us-east', aside.topic, 0);
  expect(kept.map(({ value }) => value)).toEqual([0, 1, 2, 3, 4].map((at) => `only here ${at}`));
  expect(kept[0]!.headers[0]).toMatch(/^meridian-origin=us-east\/[0-9a-f-]+\/0\/\d+\/50$/);
  const { gaps } = await stage.ask<{ gaps: object[] }>('us-east', 'GET', '/v1/gaps');
  expect(gaps).toMatchObject([{ kind: 'failback', topic: 'orders', partition: 0, from: 50, to: 55 }]);

  const all = [...numbered(0, 50), 'after 0', 'after 1'];
  expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(all);
  expect(await stage.groupAt('us-east', 'orders')).toBe(52);
  expect(await stage.write('us-east', 0, ['home again'])).toBe(ERROR.NONE);
  await stage.until(() => stage.isCopied('eu-west', [53, 1]), 60_000);
  expect((await stage.read('eu-west', 'orders', 0)).map(({ value }) => value)).toEqual([...all, 'home again']);
  expect(stage.mirrors.get('us-east')!.status()).toEqual([]);
});

test('readers of prefixed copies are told where they stand, and nothing is promoted', async () => {
  const stage = await new Stage(2).start({});
  await stage.write('us-east', 0, numbered(0, 20));
  const commit = { topic: 'orders', partition: 0, offset: 12 };
  await stage.world.settle(stage.of('us-east').commitOffsets('billing', [commit]));
  await stage.until(() => stage.isCopied('eu-west', [20, 0]));
  await stage.world.run(stage.world.now() + 2_000);
  stage.world.node('us-east/broker').kill();
  const plan = await stage.ask<object>('eu-west', 'GET', '/v1/failover', { name: 'us-east' });
  expect(plan).toMatchObject({
    ...{ scope: { kind: 'region', name: 'us-east' }, loses: 0 },
    topics: [{ topic: 'orders', copy: 'us-east.orders', action: 'readers-only' }],
    groups: [{ group: 'billing', copy: 'us-east.orders', targetOffset: 12, rereads: 0 }],
  });
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'us-east' });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['still a copy'], 'us-east.orders')).not.toBe(ERROR.NONE);
});

test('an origin that is alive and written to is not taken over, unless it is forced', async () => {
  const stage = await new Stage(3).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 5));
  await stage.until(() => stage.isCopied('eu-west', [5, 0]));
  await stage.writeAs('us-east', 'a producer');
  const plan = await stage.ask<{ refusal: string }>('eu-west', 'GET', '/v1/failover', { name: 'orders' });
  expect(plan.refusal).toMatch(/^us-east is alive: producer \d+ wrote to orders-0 \d s ago; stop it first$/);
  await expect(stage.ask('eu-west', 'POST', '/v1/failover', { name: 'orders' })).rejects.toThrow('us-east is alive');
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['ours now'])).toBe(ERROR.NONE);
  await expect(stage.ask('eu-west', 'GET', '/v1/failover', { name: 'nobody' })).rejects.toThrow(
    'has copies in eu-west',
  );
});

test('mirrors that are killed at any moment of a fail-over and a fail-back carry them through', async () => {
  for (const seed of [4, 5, 6]) {
    const stage = await new Stage(seed).start(IDENTITY);
    await stage.write('us-east', 0, numbered(0, 30));
    await stage.until(() => stage.isCopied('eu-west', [30, 0]));
    stage.cut(true);
    await stage.write('us-east', 0, ['only here']);
    stage.world.node('us-east/broker').kill();
    const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
    await stage.killNowAndThen('eu-west', [IDENTITY_LINK]);
    await stage.untilDone('eu-west', run);
    expect(await stage.write('eu-west', 0, ['after'])).toBe(ERROR.NONE);
    await stage.startBroker('us-east');
    stage.cut(false);
    await stage.world.run(stage.world.now() + 10_000);
    const back = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
    await stage.killNowAndThen('us-east', []);
    const done = await stage.untilDone('us-east', back);
    const aside = await stage.read('us-east', done.topics[0]!.aside!.topic, 0);
    expect(aside.map(({ value }) => value)).toEqual(['only here']);
    const all = [...numbered(0, 30), 'after'];
    expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(all);
  }
});

test.each([
  ['embedded', 'kafka'],
  ['kafka', 'embedded'],
  ['kafka', 'kafka'],
] as const)('there and back between %s and %s', async (us, eu) => {
  const stage = await new Stage(7, { 'us-east': us, 'eu-west': eu }).start(IDENTITY);
  await stage.write('us-east', 0, numbered(0, 30));
  await stage.world.settle(
    stage.of('us-east').commitOffsets('billing', [{ topic: 'orders', partition: 0, offset: 20 }]),
  );
  await stage.until(() => stage.isCopied('eu-west', [30, 0]), 60_000);
  await stage.world.run(stage.world.now() + 3_000);
  expect(await stage.nextOf('eu-west', 'orders')).toBe('order 20');
  stage.cut(true);
  await stage.write('us-east', 0, ['only here 0', 'only here 1']);
  stage.world.node('us-east/broker').kill();
  const run = await stage.ask<RunView>('eu-west', 'POST', '/v1/failover', { name: 'orders', force: true });
  await stage.untilDone('eu-west', run);
  expect(await stage.write('eu-west', 0, ['after 0', 'after 1'])).toBe(ERROR.NONE);
  await stage.startBroker('us-east');
  stage.cut(false);
  await stage.world.run(stage.world.now() + 10_000);
  const plan = await stage.ask<{ aside: number }>('us-east', 'GET', '/v1/failback', { name: 'orders' });
  expect(plan.aside).toBe(2);
  const back = await stage.ask<RunView>('us-east', 'POST', '/v1/failback', { name: 'orders', force: true });
  const done = await stage.untilDone('us-east', back);
  const aside = await stage.read('us-east', done.topics[0]!.aside!.topic, 0);
  expect(aside.map(({ value }) => value)).toEqual(['only here 0', 'only here 1']);
  const all = [...numbered(0, 30), 'after 0', 'after 1'];
  expect((await stage.read('us-east', 'orders', 0)).map(({ value }) => value)).toEqual(all);
  expect(await stage.nextOf('us-east', 'orders')).toBe('order 20');
  expect(await stage.write('us-east', 0, ['home again'])).toBe(ERROR.NONE);
  const isBack = async () => (await stage.read('eu-west', 'orders', 0)).some(({ value }) => value === 'home again');
  for (let seconds = 0; seconds < 60 && !(await isBack()); seconds++) await stage.world.run(stage.world.now() + 1_000);
  expect((await stage.read('eu-west', 'orders', 0)).map(({ value }) => value)).toEqual([...all, 'home again']);
});

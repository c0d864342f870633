/**
 * Two regions of a simulated run, each on either engine, with a mirror each, and what an operator asks of them: the stage
 * of the tests of fail-over. Invariant: a region's engine is told to nobody but here.
 */
import { createBroker } from '@meridian/broker';
import { type Client, createClient, EARLIEST, LATEST } from '@meridian/client';
import { type Clock, silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect } from 'vitest';
import { createSimKafka } from './kafka/sim-kafka.ts';
import { SimKafkaDisk } from './kafka/sim-kafka-disk.ts';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const IDS = [1] as const;
const [US, EU] = REGIONS;
export type Region = 'us-east' | 'eu-west';
const addressOf = (region: string) => ({ host: brokerHost(region, 1), port: PORTS.internal });

export interface RunView {
  readonly id: string;
  readonly state: string;
  readonly topics: readonly { step: string; reason: string | null; aside: { topic: string; records: number } | null }[];
}

export type Engines = Record<Region, 'embedded' | 'kafka'>;
const EMBEDDED: Engines = { 'us-east': 'embedded', 'eu-west': 'embedded' };

export class Stage {
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

  async startMirror(region: Region, links: object[], memberId = 'mirror'): Promise<void> {
    const other: Region = region === 'us-east' ? 'eu-west' : 'us-east';
    const config = {
      ...{ region, secret: SECRET, memberId, links },
      target: this.reachOf(region),
      sources: [{ region: other, ...this.reachOf(other) }],
      management: { host: 'mirror', port: 9094 },
    };
    const io = this.world.node(`${region}/${memberId}`).boot();
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
    const answer = await this.world.settle(this.of(region).produce(topic, partition, [this.batchOf(values)]));
    return answer.errorCode;
  }

  /** Without waiting for it. */
  async send(region: Region, partition: number, value: string): Promise<void> {
    await this.of(region).produce('orders', partition, [this.batchOf([value])]);
  }

  private batchOf(values: readonly string[]): Buffer {
    const timestamp = this.clock.now();
    const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value), headers: [] }));
    return Buffer.from(writeBatch({ records }).buffer);
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

  /** Configs that are set on the topic itself, but for those of its origin. */
  async setOn(region: Region, topic: string): Promise<Record<string, string | null>> {
    const found = await this.world.settle(this.of(region).describeTopicConfigs([topic]));
    const set = [...found.get(topic)!.values].filter(([name, { isSet }]) => isSet && !name.startsWith('meridian.'));
    return Object.fromEntries(set.map(([name, { value }]) => [name, value]));
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

export const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `order ${from + at}`);
export const IDENTITY_LINK = { from: US.name, to: EU.name, policy: 'identity', topics: { list: ['orders'] } };
export const IDENTITY = { policy: 'identity', topics: { list: ['orders'] } };

/**
 * Links that come, go, pause and resume while their three mirrors are killed and cut off and the target is killed: in the
 * end every partition has one mirror, every link one keeper, and every copy as many records as its origin.
 */
import { createBroker } from '@meridian/broker';
import { type Client, createClient, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './kafka/sim-kafka.ts';
import { SimKafkaDisk } from './kafka/sim-kafka-disk.ts';
import { brokerConfig, brokerHost, PORTS, REGIONS, type RegionPlan, SECRET } from './topology.ts';

const log = silentLogger;
const [US, EU] = REGIONS;
const KAFKA = { host: 'kafka', port: 9092 };
const MEMBERS = ['m1', 'm2', 'm3'] as const;
/** By the link that means them; the first one stands in the file. */
const TOPICS = { 'us-east-eu-west': 'alpha', b: 'beta', g: 'gamma', d: 'delta' } as const;
const LINKS = Object.keys(TOPICS) as (keyof typeof TOPICS)[];
const PARTITIONS = 3;
const STEPS = 60;

const internal = ({ name }: RegionPlan) => ({ host: brokerHost(name, 1), port: PORTS.internal });

class Storm {
  readonly world: SimWorld;
  private readonly mirrors = new Map<string, Mirror>();
  private readonly disk = new SimKafkaDisk();
  private readonly isKafka: boolean;
  private source!: Client;
  private target!: Client;
  private readonly created = new Set<string>();
  private clock: () => number = () => 0;

  constructor(seed: number, engine: 'embedded' | 'kafka') {
    this.world = createSimWorld({ seed });
    this.isKafka = engine === 'kafka';
  }

  async start(): Promise<void> {
    await this.startBroker(US);
    await this.startTarget();
    const io = this.world.node('app').boot();
    this.source = createClient({ io, bootstrap: [internal(US)], clientId: 'app', secret: SECRET, log });
    this.clock = () => io.clock.now();
    const reach = this.isKafka ? { bootstrap: [KAFKA] } : { bootstrap: [internal(EU)], secret: SECRET };
    this.target = createClient({ io, clientId: 'app', log, ...reach });
    for (const member of MEMBERS) await this.startMirror(member);
  }

  async step(): Promise<void> {
    const dice = this.world.random.next();
    const link = this.pick(LINKS);
    const member = this.pick(MEMBERS);
    if (dice < 0.1) await this.createTopic(TOPICS[link]);
    else if (dice < 0.5) await this.write(TOPICS[link]);
    else if (dice < 0.6) await this.createLink(link);
    else if (dice < 0.65) await this.ask('DELETE', '/v1/links/:name', link);
    else if (dice < 0.72) await this.ask('POST', '/v1/links/:name/pause', link, { by: 'a storm' });
    else if (dice < 0.8) await this.ask('POST', '/v1/links/:name/resume', link, {});
    else if (dice < 0.88) await this.restartMirror(member);
    else if (dice < 0.91) await this.restartTarget();
    else if (dice < 0.93) this.cutOff(member);
    else await this.rest(6_000);
  }

  /** All links are there, run, and are given the time to come to their ends. */
  async settle(): Promise<void> {
    await this.world.run(this.world.now() + 20_000);
    for (const link of LINKS) {
      await this.createLink(link);
      await this.ask('POST', '/v1/links/:name/resume', link, {});
    }
    await this.world.runUntil(() => this.complaints().length === 0, 60_000);
  }

  complaints(): string[] {
    const all = [...this.mirrors.values()].flatMap((mirror) => mirror.status());
    const idle = all
      .filter(({ state }) => state !== 'running')
      .map(({ name, state, reason }) => `${name} ${state}: ${reason}`);
    const partitions = all.flatMap(({ partitions: each }) => each);
    const names = partitions.map(({ topic, partition }) => `${topic}-${partition}`);
    const double = names.filter((name, at) => names.indexOf(name) !== at).map((name) => `${name} has two mirrors`);
    const late = partitions.filter(({ lagRecords }) => lagRecords !== 0).map(({ topic }) => `${topic} lags`);
    const missing = names.length === this.created.size * PARTITIONS ? [] : [`${names.length} partitions`];
    const keepers = LINKS.filter((link) => all.filter(({ name, isKeeper }) => name === link && isKeeper).length !== 1);
    return [...idle, ...double, ...late, ...missing, ...keepers.map((link) => `the keepers of ${link}`)];
  }

  /** Records of each partition at the origin, and in its copy. */
  async counts(): Promise<[number, number][]> {
    const places = [...this.created].flatMap((topic) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, timestamp: LATEST })),
    );
    const ends = await this.world.settle(this.source.listOffsets(places));
    const copies = places.map((place) => ({ ...place, topic: `${US.name}.${place.topic}` }));
    const copied = this.isKafka
      ? copies.map(({ topic, partition }) => this.countIn(topic, partition))
      : (await this.world.settle(this.target.listOffsets(copies))).map(({ offset }) => offset);
    return ends.map(({ offset }, at) => [offset, copied[at]!]);
  }

  /** In Apache Kafka there are markers among them. */
  private countIn(topic: string, partition: number): number {
    const batches = this.disk.partition(topic, partition)?.batches ?? [];
    const isControl = (batch: Buffer): boolean => (batch.readUInt16BE(21) & 0x20) !== 0;
    return batches.reduce((sum, batch) => sum + (isControl(batch) ? 0 : batch.readInt32BE(57)), 0);
  }

  private async startBroker(plan: RegionPlan): Promise<void> {
    const node = this.world.node(`${plan.name}/broker`, { host: brokerHost(plan.name, 1) });
    await this.world.settle(createBroker({ io: node.boot(), config: brokerConfig(plan, [1], 1), log }));
  }

  private async startTarget(): Promise<void> {
    if (!this.isKafka) return this.startBroker(EU);
    await this.world.settle(createSimKafka({ io: this.world.node('kafka').boot(), ...KAFKA, disk: this.disk }));
  }

  private async restartTarget(): Promise<void> {
    this.world.node(this.targetNode).kill();
    await this.rest(4_000);
    await this.startTarget();
  }

  private get targetNode(): string {
    return this.isKafka ? 'kafka' : `${EU.name}/broker`;
  }

  private async startMirror(memberId: string): Promise<void> {
    const target = this.isKafka ? { kafka: { 'bootstrap.servers': 'kafka:9092' } } : { bootstrap: [internal(EU)] };
    const config = {
      ...{ region: EU.name, secret: SECRET, memberId, target, management: { host: memberId, port: 9094 } },
      sources: [{ region: US.name, bootstrap: [internal(US)] }],
      links: [{ from: US.name, to: EU.name, topics: { list: ['alpha'] } }],
    };
    const io = this.world.node(memberId).boot();
    this.mirrors.set(memberId, await this.world.settle(createMirror({ io, config, log, listen: false })));
  }

  private async restartMirror(member: string): Promise<void> {
    this.world.node(member).kill();
    this.mirrors.delete(member);
    await this.rest(3_000);
    await this.startMirror(member);
  }

  private cutOff(member: string): void {
    const path = this.world.link(member, this.targetNode);
    path.set({ cut: true });
    this.world.after(this.world.random.next() * 15_000, () => path.set({ cut: false }));
  }

  private async createTopic(name: string): Promise<void> {
    await this.world.settle(this.source.createTopics([{ name, numPartitions: PARTITIONS }]));
    this.created.add(name);
  }

  private async write(topic: string): Promise<void> {
    if (!this.created.has(topic)) return;
    const timestamp = Math.floor(this.clock());
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { buffer } = writeBatch({ records: [{ timestamp, key: null, value: new Uint8Array(9), headers: [] }] });
      await this.world.settle(this.source.produce(topic, partition, [Buffer.from(buffer)]));
    }
  }

  private createLink(name: keyof typeof TOPICS): Promise<void> {
    const entry = { name, from: US.name, to: EU.name, topics: { prefix: TOPICS[name] } };
    return this.ask('POST', '/v1/links', name, entry);
  }

  /** At any mirror; what is refused (it is there already, the target is away) is part of the storm. */
  private async ask(method: string, path: string, name: string, body?: object): Promise<void> {
    const mirror = this.pick([...this.mirrors.values()]);
    const route = mirror.routes.find((each) => each.method === method && each.path === path)!;
    const refused = (error: Error): void => expect(error).toHaveProperty('status');
    const asked = Promise.resolve(route.handle({ params: { name }, query: {}, body })).catch(refused);
    await this.world.settle(asked, 30_000);
  }

  private rest(limitMs: number): Promise<void> {
    return this.world.run(this.world.now() + this.world.random.next() * limitMs);
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.world.random.next() * choices.length)]!;
  }
}

for (const engine of ['embedded', 'kafka'] as const) {
  test.each([1, 2])(`into ${engine}, seed %i: everything is mirrored once in the end`, async (seed) => {
    const storm = new Storm(seed, engine);
    await storm.start();
    for (let step = 0; step < STEPS; step++) await storm.step();
    await storm.settle();
    expect(storm.complaints()).toEqual([]);
    for (const [records, copied] of await storm.counts()) expect(copied).toBe(records);
  });
}

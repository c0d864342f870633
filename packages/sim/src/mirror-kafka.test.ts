/** Links into an Apache Kafka (its twin): what becomes a copy there, what does not, and what is remembered. */
import { createBroker } from '@meridian/broker';
import { type Client, createClient, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './kafka/sim-kafka.ts';
import { SimKafkaDisk } from './kafka/sim-kafka-disk.ts';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const [US] = REGIONS;
const OURS = { host: brokerHost(US.name, 1), port: PORTS.internal };
const KAFKA = { host: 'kafka', port: 9092 };

class Stage {
  readonly world: SimWorld;
  source!: Client;
  target!: Client;
  mirror: Mirror | undefined;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  async start(): Promise<this> {
    const node = this.world.node('us/broker', { host: OURS.host });
    await this.world.settle(createBroker({ io: node.boot(), config: brokerConfig(US, [1], 1), log }));
    const kafka = this.world.node('kafka').boot();
    await this.world.settle(createSimKafka({ io: kafka, ...KAFKA, disk: new SimKafkaDisk() }));
    const io = this.world.node('app').boot();
    this.source = createClient({ io, bootstrap: [OURS], clientId: 'app', secret: SECRET, log });
    this.target = createClient({ io, bootstrap: [KAFKA], clientId: 'app', log });
    await this.world.settle(this.source.createTopics([{ name: 'orders', numPartitions: 2 }]));
    return this;
  }

  async startMirror(): Promise<void> {
    const config = {
      ...{ region: 'eu', secret: SECRET, management: { host: 'mirror', port: 9094 } },
      target: { kafka: { 'bootstrap.servers': `${KAFKA.host}:${KAFKA.port}` } },
      sources: [{ region: US.name, bootstrap: [OURS] }],
      links: [{ from: US.name, to: 'eu' }],
    };
    const io = this.world.node('mirror').boot();
    this.mirror = await this.world.settle(createMirror({ io, config, log, listen: false }));
  }

  async write(client: Client, topic: string, partition = 0, text = 'an order'): Promise<void> {
    const value = new TextEncoder().encode(text);
    const { buffer } = writeBatch({
      records: [{ timestamp: Math.floor(this.world.now()), key: null, value, headers: [] }],
    });
    const { errorCode } = await this.world.settle(client.produce(topic, partition, [Buffer.from(buffer)]));
    expect(errorCode).toBe(0);
  }

  status() {
    return this.mirror!.status()[0]!.partitions;
  }

  async until(done: () => boolean, limitMs = 30_000): Promise<void> {
    expect(await this.world.runUntil(done, limitMs), JSON.stringify(this.mirror?.status(), null, 1)).toBe(true);
  }

  untilPosition = (end: number) =>
    this.until(() => this.status().length === 2 && this.status().every(({ position }) => position === end));

  ask(path: string, body: object): Promise<unknown> {
    const route = this.mirror!.routes.find((each) => each.path === `/v1/links/:name/${path}`)!;
    return this.world.settle(Promise.resolve(route.handle({ params: { name: 'us-east-eu' }, query: {}, body })));
  }
}

test('a topic is copied, with what it is on record', async () => {
  const stage = await new Stage(1).start();
  await stage.startMirror();
  for (const partition of [0, 1]) await stage.write(stage.source, 'orders', partition);
  await stage.untilPosition(1);
  const names = [...(await stage.world.settle(stage.target.metadata('all', { maxAgeMs: 0 }))).topics.keys()];
  expect(names).toEqual(expect.arrayContaining(['us-east.orders', '__meridian_topics', '__meridian_runs']));
});

test('records that are larger than a target takes by default are copied once their origin takes them', async () => {
  const stage = await new Stage(9).start();
  const raise = (bytes: string) =>
    stage.world.settle(
      stage.source.alterTopicConfigs([{ topic: 'orders', set: { 'max.message.bytes': bytes } }], { timeoutMs: 5_000 }),
    );
  await raise('3000000');
  await stage.startMirror();
  await stage.write(stage.source, 'orders', 0, 'x'.repeat(2_000_000));
  await stage.write(stage.source, 'orders', 1);
  await stage.untilPosition(1);
  await raise('6000000'); // while it runs: the copy follows within seconds, and no record is given up meanwhile
  await stage.write(stage.source, 'orders', 0, 'x'.repeat(5_000_000));
  await stage.write(stage.source, 'orders', 1);
  await stage.untilPosition(2);
});

test('an empty topic of the copy’s name becomes the copy, one with records does not', async () => {
  const stage = await new Stage(2).start();
  await stage.world.settle(stage.target.createTopics([{ name: 'us-east.orders', numPartitions: 1 }]));
  await stage.world.settle(stage.source.createTopics([{ name: 'taken', numPartitions: 1 }]));
  await stage.world.settle(stage.target.createTopics([{ name: 'us-east.taken', numPartitions: 1 }]));
  await stage.write(stage.target, 'us-east.taken');
  for (const partition of [0, 1]) await stage.write(stage.source, 'orders', partition);
  await stage.startMirror();
  const of = (topic: string) => stage.status().filter((each) => each.topic === topic);
  await stage.until(() => of('orders').length === 2 && of('orders').every(({ position }) => position === 1));
  await stage.until(() => of('taken')[0]?.state === 'halted');
  expect(of('taken')[0]?.reason).toMatch(/us-east\.taken exists here already, has records and is no copy/);
  const listed = stage.target.listOffsets([{ topic: 'us-east.taken', partition: 0, timestamp: LATEST }]);
  expect((await stage.world.settle(listed))[0]?.offset).toBe(1);
});

test('a copy that was deleted while no mirror ran is not quietly made again', async () => {
  const stage = await new Stage(3).start();
  await stage.startMirror();
  for (const partition of [0, 1]) await stage.write(stage.source, 'orders', partition);
  await stage.untilPosition(1);
  stage.world.node('mirror').kill();
  await stage.world.settle(stage.target.deleteTopics(['us-east.orders']));
  await stage.startMirror();
  await stage.until(() => stage.status().length === 2 && stage.status().every(({ state }) => state === 'halted'));
  expect(stage.status()[0]?.reason).toMatch(/us-east\.orders was deleted here/);
  await stage.ask('resume', { topic: 'orders' });
  await stage.untilPosition(1);
  expect(stage.status()[0]?.incarnation).toBe(2);
});

test('a deletion at the origin that is confirmed takes the copy along, and what was written of it', async () => {
  const stage = await new Stage(4).start();
  await stage.startMirror();
  for (const partition of [0, 1]) await stage.write(stage.source, 'orders', partition);
  await stage.untilPosition(1);
  await stage.world.settle(stage.source.deleteTopics(['orders']));
  await stage.until(() => stage.status().every(({ state }) => state === 'deleted'));
  await stage.ask('confirm', { topic: 'orders' });
  await stage.until(() => stage.status().length === 0);
  await stage.world.settle(stage.source.createTopics([{ name: 'orders', numPartitions: 2 }]));
  for (const partition of [0, 1]) await stage.write(stage.source, 'orders', partition);
  await stage.untilPosition(1);
  expect(stage.status()[0]?.incarnation).toBe(1);
});

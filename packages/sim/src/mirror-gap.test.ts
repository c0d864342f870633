/** A range that is lost between an Apache Kafka (its twin) and our copy, under `mark-gap`: what becomes of transactions. */
import { createBroker } from '@meridian/broker';
import { type Client, createClient, LATEST } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { AddPartitionsToTxn, EndTxn, InitProducerId } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { readLog } from './geo/stored-geo.ts';
import { createSimKafka } from './kafka/sim-kafka.ts';
import { SimKafkaDisk } from './kafka/sim-kafka-disk.ts';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const [HERE, THERE] = REGIONS;
const OURS = { host: brokerHost(HERE.name, 1), port: PORTS.internal };
const KAFKA = { host: 'kafka', port: 9092 };
const TOPIC = 'orders';
const COPY = `${THERE.name}.${TOPIC}`;

interface Producer {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  sequence: number;
}

class Stage {
  readonly world: SimWorld;
  origin!: Client;
  copy!: Client;
  mirror!: Mirror;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  async start(): Promise<this> {
    const kafka = this.world.node('kafka').boot();
    await this.world.settle(createSimKafka({ io: kafka, ...KAFKA, disk: new SimKafkaDisk() }));
    await this.startBroker();
    const io = this.world.node('app').boot();
    this.origin = createClient({ io, bootstrap: [KAFKA], clientId: 'app', log });
    this.copy = createClient({ io, bootstrap: [OURS], clientId: 'app', secret: SECRET, log });
    await this.world.settle(this.origin.createTopics([{ name: TOPIC, numPartitions: 1 }]));
    await this.startMirror();
    return this;
  }

  async startBroker(): Promise<void> {
    const node = this.world.node('broker', { host: OURS.host });
    await this.world.settle(createBroker({ io: node.boot(), config: brokerConfig(HERE, [1], 1), log }));
  }

  async startMirror(): Promise<void> {
    const config = {
      ...{ region: HERE.name, secret: SECRET, management: { host: 'mirror', port: 9094 } },
      target: { bootstrap: [OURS] },
      sources: [{ region: THERE.name, kafka: { 'bootstrap.servers': `${KAFKA.host}:${KAFKA.port}` } }],
      links: [{ from: THERE.name, to: HERE.name, onGap: { default: 'mark-gap' as const, topics: {} } }],
    };
    const io = this.world.node('mirror').boot();
    this.mirror = await this.world.settle(createMirror({ io, config, log, listen: false }));
  }

  async producer(transactionalId: string): Promise<Producer> {
    const body = { transactionalId, transactionTimeoutMs: 900_000 };
    const { errorCode, ...id } = await this.world.settle(this.origin.send(InitProducerId, body, 'any'));
    expect(errorCode).toBe(0);
    const producer = { transactionalId, producerId: id.producerId, producerEpoch: id.producerEpoch, sequence: 0 };
    return producer;
  }

  /** Inside of a transaction, which it begins. */
  async write(value: string, producer?: Producer): Promise<void> {
    if (producer !== undefined) {
      const added = await this.world.settle(
        this.origin.send(
          AddPartitionsToTxn,
          {
            v3AndBelowTransactionalId: producer.transactionalId,
            v3AndBelowProducerId: producer.producerId,
            v3AndBelowProducerEpoch: producer.producerEpoch,
            v3AndBelowTopics: [{ name: TOPIC, partitions: [0] }],
          },
          'any',
          { version: 3 },
        ),
      );
      expect(added.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode).toBe(0);
    }
    const records = [{ timestamp: Math.floor(this.world.now()), key: null, value: Buffer.from(value), headers: [] }];
    const { producerId, producerEpoch } = producer ?? {};
    const by = producer && { producerId, producerEpoch, baseSequence: producer.sequence++, transactional: true };
    const batch = Buffer.from(writeBatch({ records, ...(by as object) }));
    expect((await this.world.settle(this.origin.produce(TOPIC, 0, [batch]))).errorCode).toBe(0);
  }

  async end({ transactionalId, producerId, producerEpoch }: Producer, committed: boolean): Promise<void> {
    const body = { transactionalId, producerId, producerEpoch, committed };
    const { errorCode } = await this.world.settle(this.origin.send(EndTxn, body, 'any', { version: 4 }));
    expect(errorCode).toBe(0);
    await this.world.run(this.world.now() + 1_000);
  }

  async deleteBelow(offset: number): Promise<void> {
    const [deleted] = await this.world.settle(this.origin.deleteRecords([{ topic: TOPIC, partition: 0, offset }]));
    expect(deleted).toMatchObject({ errorCode: 0 });
  }

  status() {
    return this.mirror.status()[0]?.partitions[0];
  }

  async until(done: () => boolean): Promise<void> {
    expect(await this.world.runUntil(done, 30_000), JSON.stringify(this.mirror.status(), null, 1)).toBe(true);
  }

  async stableEnd(): Promise<number | undefined> {
    const asked = [{ topic: COPY, partition: 0, timestamp: LATEST }];
    const [listed] = await this.world.settle(this.copy.listOffsets(asked, { isolation: 'read_committed' }));
    return listed?.offset;
  }

  /** As readers of committed records get them. */
  async values(): Promise<string[]> {
    const { timers } = this.world.node('reader').boot();
    return (await this.world.settle(readLog(this.copy, timers, COPY, 0))).records.map(({ value }) => value);
  }
}

test('a transaction whose end was lost does not hold up the readers of the copy, and one that goes on is not ended', async () => {
  const stage = await new Stage(1).start();
  const ended = await stage.producer('ended');
  const open = await stage.producer('open');
  await stage.write('lost with its end', ended); // 0
  await stage.write('before the gap', open); // 1
  await stage.until(() => stage.status()?.position === 2);
  stage.world.node('mirror').kill();
  await stage.end(ended, true); // 2
  await stage.write('lost'); // 3
  await stage.deleteBelow(4);
  await stage.write('behind the gap'); // 4
  await stage.startMirror();
  await stage.until(() => stage.status()?.position === 5 && stage.status()?.gaps === 1);
  await stage.world.run(stage.world.now() + 3_000); // the copy’s start follows
  expect(await stage.stableEnd()).toBe(4);
  await stage.write('of the open one', open); // 5
  await stage.end(open, true); // 6
  await stage.write('once more', ended); // 7
  await stage.end(ended, true); // 8
  await stage.until(() => stage.status()?.position === 9);
  expect(await stage.stableEnd()).toBe(9);
  expect(await stage.values()).toEqual(['behind the gap', 'of the open one', 'once more']);
});

test('it is ended also where nothing comes behind the gap, and stays ended when broker and mirror begin anew', async () => {
  const stage = await new Stage(2).start();
  const ended = await stage.producer('ended');
  await stage.write('readable', undefined); // 0
  await stage.write('lost with its end', ended); // 1
  await stage.until(() => stage.status()?.position === 2);
  stage.world.node('mirror').kill();
  await stage.end(ended, true); // 2
  await stage.write('lost'); // 3
  await stage.deleteBelow(4);
  await stage.startMirror();
  await stage.until(() => stage.status()?.position === 4 && stage.status()?.gaps === 1);
  expect(await stage.stableEnd()).toBe(4);
  stage.world.node('broker').kill();
  await stage.startBroker();
  await stage.startMirror();
  await stage.until(() => stage.status()?.state === 'running');
  expect(await stage.stableEnd()).toBe(4);
  await stage.write('behind the gap'); // 4
  await stage.until(() => stage.status()?.position === 5);
  expect(stage.status()).toMatchObject({ gaps: 1, lostRecords: 2 });
  expect(await stage.values()).toEqual(['behind the gap']);
});

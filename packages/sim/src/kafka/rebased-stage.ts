/**
 * Two simulated Apache Kafkas and a mirror between them, for tests of re-based copies: topics, transactions, crashes of
 * each part, and what lies in the copy afterwards. Invariant: what a test compares is read from the disks, as a reader of
 * committed records would see it, and nobody's memory.
 */
import { AbortedData, type Client, createClient } from '@meridian/client';
import { RunsStore, RunTable } from '@meridian/coordinates';
import { type Io, silentLogger } from '@meridian/io';
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { AddPartitionsToTxn, decompress, EndTxn, InitProducerId, Produce } from '@meridian/protocol';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect } from 'vitest';
import { createSimKafka } from './sim-kafka.ts';
import { SimKafkaDisk } from './sim-kafka-disk.ts';

const PORT = 9092;
export const TOPIC = 'orders';
export const COPY = 'us-east.orders';
const COORDINATOR = 1;

export interface Stored {
  readonly offset: number;
  readonly value: string;
}

export class RebasedStage {
  readonly world: SimWorld;
  readonly disks = { source: new SimKafkaDisk(), target: new SimKafkaDisk() };
  private io!: Io;
  source!: Client;
  target!: Client;
  mirror: Mirror | undefined;
  private written = 0;
  private mirrors = 0;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  async start(): Promise<this> {
    await this.boot('source');
    await this.boot('target');
    this.io = this.world.node('app').boot();
    const { io } = this;
    const open = (host: string) =>
      createClient({ io, bootstrap: [{ host, port: PORT }], clientId: 'app', log: silentLogger });
    this.source = open('source');
    this.target = open('target');
    await this.world.settle(this.source.createTopics([{ name: TOPIC, numPartitions: 1 }]));
    return this;
  }

  async boot(host: 'source' | 'target'): Promise<void> {
    const io = this.world.node(host).boot();
    const disk = this.disks[host];
    await this.world.settle(createSimKafka({ io, host, port: PORT, disk, initialRebalanceDelayMs: 0 }));
  }

  kill(host: 'source' | 'target'): void {
    this.world.node(host).kill();
  }

  /** `link`: what its link says besides. */
  async startMirror(link: object = {}): Promise<void> {
    const memberId = `mirror-${++this.mirrors}`;
    const kafka = (host: string) => ({ kafka: { 'bootstrap.servers': `${host}:${PORT}` } });
    const config = {
      ...{ region: 'eu-west', memberId, target: kafka('target') },
      sources: [{ region: 'us-east', ...kafka('source') }],
      links: [{ from: 'us-east', to: 'eu-west', ...link }],
      management: { host: memberId, port: 9094 },
    };
    const io = this.world.node(memberId).boot();
    this.mirror = await this.world.settle(createMirror({ io, config, log: silentLogger, listen: false }));
  }

  killMirror(): void {
    this.world.node(`mirror-${this.mirrors}`).kill();
    this.mirror = undefined;
  }

  /** What `meridian link resume us-east-eu-west --topic orders` does. */
  async resume(): Promise<void> {
    const route = this.mirror!.routes.find(({ path }) => path === '/v1/links/:name/resume')!;
    const request = { params: { name: 'us-east-eu-west' }, query: {}, body: { topic: TOPIC } };
    await this.world.settle(Promise.resolve(route.handle(request)));
  }

  async gaps(): Promise<object[]> {
    const route = this.mirror!.routes.find(({ path }) => path === '/v1/gaps')!;
    const answer = route.handle({ params: {}, query: {}, body: undefined }) as Promise<{ gaps: object[] }>;
    return (await this.world.settle(answer)).gaps;
  }

  /** Batches of so many records each. */
  async write(...counts: readonly number[]): Promise<void> {
    for (const count of counts) {
      await this.world.settle(this.source.produce(TOPIC, 0, [this.batch(count)], { retryUnknown: true }));
    }
  }

  async transaction(id: string, isCommitted: boolean, ...counts: readonly number[]): Promise<void> {
    const { world, source } = this;
    const init = { transactionalId: id, transactionTimeoutMs: 60_000 };
    const producer = await this.again(() => world.settle(source.send(InitProducerId, init, COORDINATOR)));
    const { producerId, producerEpoch } = producer;
    const announced = {
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: TOPIC, partitions: [0] }],
    };
    await this.again(async () => {
      const answer = await world.settle(source.send(AddPartitionsToTxn, announced, COORDINATOR, { version: 3 }));
      return { errorCode: answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode };
    });
    let baseSequence = 0;
    for (const count of counts) {
      const records = [this.batch(count, { producerId, producerEpoch, baseSequence, transactional: true })];
      const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records }] }];
      const body = { transactionalId: id, acks: -1, timeoutMs: 1_000, topicData };
      const answer = await world.settle(source.send(Produce, body, COORDINATOR, { version: 9 }));
      expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
      baseSequence += count;
    }
    const end = { transactionalId: id, producerId, producerEpoch, committed: isCommitted };
    await this.again(() => world.settle(source.send(EndTxn, end, COORDINATOR, { version: 4 })));
  }

  /** The mirror has everything that the origin has, and says so. */
  async caughtUp(limitMs = 60_000): Promise<void> {
    const end = () => this.disks.source.partition(TOPIC, 0)!.endOffset;
    const part = () => this.mirror?.status()[0]?.partitions.find(({ topic }) => topic === TOPIC);
    const isDone = () => part()?.position === end() && part()?.state === 'running';
    expect(await this.world.runUntil(isDone, limitMs), JSON.stringify({ end: end(), ...part() })).toBe(true);
  }

  /** What readers of committed records see. */
  stored(where: 'source' | 'target'): Stored[] {
    const topic = where === 'source' ? TOPIC : COPY;
    const partition = this.disks[where].partition(topic, 0);
    if (partition === undefined) return [];
    const aborted = new AbortedData(partition.aborted);
    return partition.batches
      .flatMap((bytes) =>
        Array.from(iterateBatches(bytes)).flatMap(({ header, bytes: batch }) => {
          if (aborted.kindOf(header, batch) !== 'data') return [];
          return Array.from(readRecords(batch, { decompress }), ({ offset, value }) => ({
            offset,
            value: Buffer.from(value!).toString(),
          }));
        }),
      )
      .filter(({ offset }) => offset >= partition.startOffset);
  }

  /** Every record of the origin is in the copy once, in order, and every offset translates exactly, both ways. */
  async expectExact(): Promise<void> {
    const [origin, copy] = [this.stored('source'), this.stored('target')];
    expect(copy.map(({ value }) => value)).toEqual(origin.map(({ value }) => value));
    const table = await this.runs();
    for (const [index, { offset }] of origin.entries()) {
      const there = copy[index]!.offset;
      expect(table.toLocal(offset)).toEqual({ status: 'exact', offset: there });
      expect(table.toOrigin(there)).toEqual({ status: 'exact', offset });
    }
  }

  async runs(): Promise<RunTable> {
    const store = new RunsStore({ io: this.io, client: this.target });
    const stored = await this.world.settle(
      store.load({ copyId: this.disks.target.topics.get(COPY)!.id, partition: 0 }),
    );
    store.close();
    const end = this.stored('target').at(-1)?.offset ?? -1;
    const runs = stored.runs
      .toSorted((a, b) => a.localStart - b.localStart)
      .map((run, index, all) => ({
        ...run,
        count: run.count || (all[index + 1]?.localStart ?? end + 1) - run.localStart,
      }));
    return RunTable.from({ ...stored, runs });
  }

  private batch(count: number, producer: object = {}): Buffer {
    const records = Array.from({ length: count }, () => {
      const value = Buffer.from(`record ${this.written++}`);
      return { timestamp: 1, key: value, value };
    });
    return Buffer.from(writeBatch({ records, ...producer }).buffer);
  }

  private async again<T extends { errorCode: number }>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      const answer = await ask();
      if (answer.errorCode === 0) return answer;
      await this.world.run(this.world.now() + 20);
    }
  }
}

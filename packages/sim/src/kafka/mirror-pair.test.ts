/** The mirror between two clusters of Apache Kafka, with transactions at the source, in storms of kills. */
import { createClient } from '@meridian/client';
import { RegionCopies, Translator } from '@meridian/coordinates';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { createMirror } from '@meridian/mirror';
import { readBatchHeader, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './sim-kafka.ts';
import { SimKafkaDisk } from './sim-kafka-disk.ts';
import type { SimPartition } from './sim-partition.ts';

const TOPIC = 'orders';

class Pair {
  readonly world: SimWorld;
  readonly us = new SimKafkaDisk();
  readonly eu = new SimKafkaDisk();
  private readonly nodes: Record<'us' | 'eu' | 'mirror', SimNode>;
  private readonly sequences = new Map<number, number>();
  private written = 0;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
    const { world } = this;
    this.nodes = { us: world.node('us'), eu: world.node('eu'), mirror: world.node('mirror') };
  }

  async start(): Promise<void> {
    this.us.addTopic(TOPIC, '00000000-0000-4000-8000-000000000001', 1, new Map());
    for (const part of ['us', 'eu', 'mirror'] as const) await this.boot(part);
  }

  async boot(part: 'us' | 'eu' | 'mirror'): Promise<void> {
    const io = this.nodes[part].boot();
    if (part !== 'mirror') {
      await this.world.settle(
        createSimKafka({ io, host: part, port: 9092, disk: this[part], initialRebalanceDelayMs: 0 }),
      );
      return;
    }
    const kafka = (host: string) => ({ kafka: { 'bootstrap.servers': `${host}:9092` } });
    const config = {
      ...{ region: 'eu', target: kafka('eu'), sources: [{ region: 'us', ...kafka('us') }] },
      ...{ links: [{ from: 'us', to: 'eu' }], management: { port: 0 } },
    };
    await this.world.settle(createMirror({ io, config: config as never, log: silentLogger, listen: false }));
  }

  async killAndBoot(part: 'us' | 'eu' | 'mirror'): Promise<void> {
    this.nodes[part].kill();
    await this.world.run(this.world.now() + this.world.random.next() * 200);
    await this.boot(part);
  }

  get source(): SimPartition {
    return this.us.partition(TOPIC, 0)!;
  }

  get copy(): SimPartition | undefined {
    return this.eu.partition(`us.${TOPIC}`, 0);
  }

  /** Straight into the source's log, as producers would: plain, of a transaction, or the end of one. */
  write(): void {
    const { random } = this.world;
    const producerId = 100 + Math.floor(random.next() * 3);
    const draw = random.next();
    const isOpen = this.source.producers.entries().some(([id, { txnStart }]) => id === producerId && txnStart >= 0);
    if (isOpen && draw < 0.4) {
      this.source.appendMarker(producerId, 0, draw < 0.2, 1);
      return;
    }
    const records = Array.from({ length: 1 + Math.floor(random.next() * 5) }, () => this.record());
    const isPlain = !isOpen && draw < 0.6;
    const baseSequence = this.sequences.get(producerId) ?? 0;
    const producer = { producerId, producerEpoch: 0, baseSequence, transactional: true };
    const batch = Buffer.from(writeBatch({ records, ...(!isPlain && producer) }).buffer);
    if (!isPlain) this.sequences.set(producerId, baseSequence + records.length);
    const answer = this.source.append(batch, { maxMessageBytes: 1e6, isCompacted: false }, () => true);
    expect(answer.errorCode).toBe(0);
  }

  private record() {
    const value = Buffer.from(`${this.written++}`);
    return { timestamp: this.written, key: value, value };
  }

  endTransactions(): void {
    for (const [producerId, { txnStart }] of this.source.producers.entries())
      if (txnStart >= 0) this.source.appendMarker(producerId, 0, true, 1);
  }
}

interface Stored {
  readonly offset: number;
  readonly value: string;
}

/** What a reader of committed data sees. */
function committed(log: SimPartition): Stored[] {
  return log.batches.flatMap((batch) => {
    const { isControl, isTransactional, producerId, baseOffset } = readBatchHeader(batch);
    const isHidden = log.aborted.some(
      (each) =>
        isTransactional &&
        each.producerId === producerId &&
        each.firstOffset <= baseOffset &&
        each.lastOffset > baseOffset,
    );
    if (isControl || isHidden) return [];
    return Array.from(readRecords(batch), ({ offset, value }) => ({ offset, value: Buffer.from(value!).toString() }));
  });
}

const valuesOf = (log: SimPartition | undefined): string[] =>
  log === undefined ? [] : committed(log).map(({ value }) => value);

async function storm(pair: Pair, rounds: number): Promise<void> {
  const { world } = pair;
  await pair.start();
  await world.run(world.now() + 3_000);
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < 30; n++) {
      pair.write();
      if (n % 10 === 0) await world.run(world.now() + world.random.next() * 60);
    }
    const part = (['mirror', 'us', 'eu'] as const)[Math.floor(world.random.next() * 3)]!;
    await pair.killAndBoot(part);
    await world.run(world.now() + world.random.next() * 2_000);
  }
  pair.endTransactions();
}

async function translator({ world }: Pair) {
  const region = (host: string) => {
    const io = world.node(`${host}-reader`).boot();
    const bootstrap = [{ host, port: 9092 }];
    const client = createClient({ io, bootstrap, clientId: 'reader', log: silentLogger });
    return { client, copies: new RegionCopies({ io, client, engine: 'kafka' }) };
  };
  return new Translator(
    new Map([
      ['us', region('us')],
      ['eu', region('eu')],
    ]),
  );
}

/** Who has read all below `position` here goes on there: the first record that is not among what was read. */
const firstAhead = (from: Stored[], to: Stored[], position: number, end: number): number =>
  to[from.filter(({ offset }) => offset < position).length]?.offset ?? end;

test.each([1, 2, 3, 4, 5, 6])(
  'storm %i: every committed record is in the copy once and in order, and every offset translates',
  async (seed) => {
    const pair = new Pair(seed);
    const { world } = pair;
    await storm(pair, 6);
    const wanted = valuesOf(pair.source);
    const isSame = () => valuesOf(pair.copy).length >= wanted.length;
    expect(await world.runUntil(isSame, 60_000)).toBe(true);
    await world.run(world.now() + 3_000);
    expect(valuesOf(pair.copy)).toEqual(wanted);
    const found = await translator(pair);
    const [source, copy] = [committed(pair.source), committed(pair.copy!)];
    const ask = async (topic: string, end: number, from: string, to: string) => {
      const positions = Array.from({ length: end + 1 }, (_, offset) => ({ topic, partition: 0, offset }));
      return (await world.settle(found.offsets(positions, from, to))).map(({ translation }) => translation);
    };
    const there = await ask(TOPIC, pair.source.endOffset, 'us', 'eu');
    for (const [position, translation] of there.entries()) {
      expect(translation.status).toBe('exact');
      const { offset } = translation as { offset: number };
      const next = firstAhead(source, copy, position, pair.copy!.endOffset);
      expect(copy.filter((each) => each.offset >= offset).length).toBe(
        copy.filter((each) => each.offset >= next).length,
      );
    }
    const back = await ask(`us.${TOPIC}`, pair.copy!.endOffset, 'eu', 'us');
    for (const [position, translation] of back.entries()) {
      if (translation.status === 'behind') continue;
      const { offset } = translation as { offset: number };
      const next = firstAhead(copy, source, position, pair.source.endOffset);
      expect(source.filter((each) => each.offset >= offset).length).toBe(
        source.filter((each) => each.offset >= next).length,
      );
    }
  },
);

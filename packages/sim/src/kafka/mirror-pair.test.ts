/** The mirror between two clusters of Apache Kafka, with transactions at the source, in storms of kills. */
import { createClient } from '@meridian/client';
import { RegionCopies, Translator } from '@meridian/coordinates';
import { silentLogger } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror } from '@meridian/mirror';
import { readBatchHeader, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createSimKafka } from './sim-kafka.ts';
import { SimKafkaDisk } from './sim-kafka-disk.ts';
import type { SimPartition } from './sim-partition.ts';

const TOPIC = 'orders';
/** What happens to the source's log: nothing, its keys are compacted, its beginning is deleted. */
type Kind = 'kept' | 'compacted' | 'deleted';

class Pair {
  readonly world: SimWorld;
  readonly us = new SimKafkaDisk();
  readonly eu = new SimKafkaDisk();
  private readonly nodes: Record<'us' | 'eu' | 'mirror', SimNode>;
  private readonly sequences = new Map<number, number>();
  private readonly kind: Kind;
  /** By value: where each record was born. */
  readonly born = new Map<string, number>();
  private mirror: Mirror | undefined;
  private written = 0;

  constructor(seed: number, kind: Kind) {
    this.kind = kind;
    this.world = createSimWorld({ seed });
    const { world } = this;
    this.nodes = { us: world.node('us'), eu: world.node('eu'), mirror: world.node('mirror') };
  }

  async start(): Promise<void> {
    this.us.addTopic(TOPIC, '00000000-0000-4000-8000-000000000001', 1, this.configs);
    for (const part of ['us', 'eu', 'mirror'] as const) await this.boot(part);
  }

  private get configs(): ReadonlyMap<string, string> {
    return new Map(this.kind === 'compacted' ? [['cleanup.policy', 'compact']] : []);
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
    this.mirror = await this.world.settle(
      createMirror({ io, config: config as never, log: silentLogger, listen: false }),
    );
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
    for (const [at, { value }] of records.entries()) this.born.set(value.toString(), answer.baseOffset + at);
  }

  private record() {
    const value = Buffer.from(`${this.written++}`);
    const key = Buffer.from(`${this.kind === 'compacted' ? this.written % 40 : this.written}`);
    return { timestamp: this.written, key, value };
  }

  /** What time does to the source, by the kind of topic. */
  age(): void {
    const { random } = this.world;
    if (this.kind === 'compacted') this.us.compact(TOPIC);
    const { startOffset, lastStableOffset } = this.source;
    const copied = Math.min(lastStableOffset, this.position);
    if (this.kind === 'deleted' && copied > startOffset)
      this.us.deleteRecords(TOPIC, 0, startOffset + Math.floor(random.next() * (copied - startOffset)));
  }

  private get position(): number {
    return this.mirror?.status()[0]?.partitions[0]?.position ?? 0;
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
    pair.age();
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

const STORMS = (['kept', 'compacted', 'deleted'] as const).flatMap((kind) =>
  [1, 2, 3].map((seed) => [kind, seed] as const),
);

test.each(STORMS)(
  '%s, storm %i: every committed record is in the copy once and in order, and every offset translates',
  async (kind, seed) => {
    const pair = new Pair(seed, kind);
    const { world } = pair;
    await storm(pair, 6);
    const last = valuesOf(pair.source).at(-1);
    expect(await world.runUntil(() => valuesOf(pair.copy).at(-1) === last, 60_000)).toBe(true);
    await world.run(world.now() + 3_000);
    const [source, copy] = [committed(pair.source), committed(pair.copy!)];
    const numbers = copy.map(({ value }) => pair.born.get(value)!);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
    const missing = source.filter(
      ({ value, offset }) => offset >= pair.source.startOffset && !copy.some((each) => each.value === value),
    );
    expect(missing).toEqual([]);
    if (kind === 'kept') expect(copy.map(({ value }) => value)).toEqual(source.map(({ value }) => value));
    await translates(pair, copy);
  },
);

/** Behind the answer lies all that was born at or behind the question, and before it nothing of that. */
async function translates(pair: Pair, copy: readonly Stored[]): Promise<void> {
  const { world, born, source } = pair;
  const found = await translator(pair);
  const ask = async (topic: string, end: number, from: string, to: string) => {
    const positions = Array.from({ length: end + 1 }, (_, offset) => ({ topic, partition: 0, offset }));
    return (await world.settle(found.offsets(positions, from, to))).map(({ translation }) => translation);
  };
  const left = copy.filter(({ offset }) => offset >= pair.copy!.startOffset);
  const firstBorn = born.get(left[0]?.value ?? '') ?? source.endOffset;
  for (const [position, translation] of (await ask(TOPIC, source.endOffset, 'us', 'eu')).entries()) {
    if (position >= firstBorn || pair.copy!.startOffset === 0) expect(translation.status).toBe('exact');
    const { offset } = translation as { offset: number };
    const wrong = left.filter((each) => each.offset < offset !== born.get(each.value)! < position);
    expect(wrong).toEqual([]);
  }
  for (const [position, translation] of (await ask(`us.${TOPIC}`, pair.copy!.endOffset, 'eu', 'us')).entries()) {
    if (position < pair.copy!.startOffset) continue;
    expect(translation.status).not.toBe('behind');
    const { offset } = translation as { offset: number };
    const wrong = left.filter((each) => each.offset < position !== born.get(each.value)! < offset);
    expect(wrong).toEqual([]);
  }
}

/**
 * Producers of a geo run: idempotent, one batch at a time, sent again until it is answered; a topic that was made again is
 * written from its start. Values name their writer and count.
 * Invariant: a value enters the history when, and only when, its batch was acknowledged.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { below, between } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import type { GeoRegion } from './geo-region.ts';
import type { History } from './history.ts';
import { GEO } from './limits.ts';
import { keyOf, type TopicName } from './plan.ts';

export interface WriterOptions {
  readonly region: GeoRegion;
  readonly name: string;
  /** That it writes into. */
  readonly topics: readonly TopicName[];
  readonly history: History;
  trace(line: string): void;
  now(): number;
}

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly sequences: Map<string, number>;
}

/** Resolves when everything is acknowledged, or known to have gone with its topic. */
export async function runGeoWriter(options: WriterOptions): Promise<void> {
  const { io, client } = options.region.client(options.name);
  let producer = await newProducer(client, io, options);
  for (let next = 0; next < GEO.recordsPerWriter; ) {
    const topic = options.topics[below(io.random, options.topics.length)]!;
    const partition = below(io.random, GEO.partitions);
    const count = Math.min(1 + below(io.random, GEO.maxBatchRecords), GEO.recordsPerWriter - next);
    const key = () => (topic === 'keyed' ? `k${below(io.random, GEO.keys)}=` : '');
    const values = Array.from({ length: count }, (_, index) => `${key()}${options.name}:${next + index}`);
    const isDone = await send(options, { io, client, producer, topic, partition, values });
    // Whoever wrote into a topic that is gone begins as somebody new: its numbers mean nothing any more.
    if (!isDone) producer = await newProducer(client, io, options);
    next += count;
    await io.timers.sleep(between(io.random, GEO.writePauseMs));
  }
  await client.close();
}

/** A few batches into one partition, by a producer of its own. */
export async function writeInto(options: WriterOptions, topic: TopicName, partition: number): Promise<void> {
  const { io, client } = options.region.client(options.name);
  const producer = await newProducer(client, io, options);
  for (let number = 0; number < GEO.batchesBehindCut; number++)
    await send(options, { io, client, producer, topic, partition, values: [`${options.name}:${number}`] });
  await client.close();
}

interface Sending {
  readonly io: Io;
  readonly client: Client;
  readonly producer: Producer;
  readonly topic: TopicName;
  readonly partition: number;
  readonly values: readonly string[];
}

async function send(
  options: WriterOptions,
  { io, client, producer, topic, partition, values }: Sending,
): Promise<boolean> {
  const { history, region } = options;
  const life = history.lifeOf(region.name, topic);
  const key = `${topic}/${partition}`;
  const baseSequence = producer.sequences.get(key) ?? 0;
  const { producerId, producerEpoch } = producer;
  const timestamp = io.clock.now();
  const records = values.map((value) => {
    const key = keyOf(value);
    return { timestamp, key: key === null ? null : Buffer.from(key), value: Buffer.from(value), headers: [] };
  });
  const batch = Buffer.from(writeBatch({ records, producerId, producerEpoch, baseSequence }));
  while (history.lifeOf(region.name, topic) === life) {
    try {
      const { errorCode, baseOffset } = await client.produce(topic, partition, [Buffer.from(batch)], { acks: -1 });
      if (errorCode !== ERROR.NONE) throw new Error(`produce answered ${errorCode}`);
      if (history.lifeOf(region.name, topic) !== life) return false;
      const at = { region: region.name, topic, partition, atMs: options.now(), life };
      for (const [index, value] of values.entries())
        history.acknowledged.push({ ...at, offset: baseOffset + index, value });
      producer.sequences.set(key, baseSequence + values.length);
      return true;
    } catch (error) {
      options.trace(`${options.name} tries again: ${(error as Error).message}`);
      await io.timers.sleep(GEO.retryMs);
    }
  }
  return false;
}

async function newProducer(client: Client, io: Io, { name, trace }: WriterOptions): Promise<Producer> {
  for (;;) {
    try {
      return { ...(await client.initProducerId()), sequences: new Map() };
    } catch (error) {
      trace(`${name} has no producer id: ${(error as Error).message}`);
      await io.timers.sleep(GEO.retryMs);
    }
  }
}

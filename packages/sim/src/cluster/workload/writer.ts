/**
 * A Kafka producer as libraries write it: idempotent, acks=all, several batches under way, sent again by the client until
 * they are answered. Its values name it and count, so that checkers can tell a lost, doubled or reordered record.
 * Invariant: a value enters the history when, and only when, its batch was acknowledged.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { below, between } from '@meridian/io/sim';
import { ERROR, errorName } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import type { History } from '../history.ts';
import { CLUSTER_LIMITS as LIMITS } from '../limits.ts';
import type { TopicPlan } from '../plan.ts';

export interface WriterOptions {
  readonly io: Io;
  readonly client: Client;
  readonly name: string;
  readonly topics: readonly TopicPlan[];
  readonly history: History;
  trace(line: string): void;
}

interface Batch {
  readonly topic: string;
  readonly index: number;
  readonly values: readonly string[];
  readonly bytes: Buffer;
}

/** Resolves when everything is answered. */
export async function runWriter(options: WriterOptions): Promise<void> {
  const { io, topics } = options;
  const producer = await untilDone(options, () => options.client.initProducerId());
  const places = topics.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, index) => ({ topic: name, index, sequence: 0 })),
  );
  const window = Math.floor(between(io.random, [LIMITS.window[0], LIMITS.window[1] + 1]));
  const underWay = new Set<Promise<void>>();
  for (let next = 0; next < LIMITS.recordsPerWriter; ) {
    const place = places[below(io.random, places.length)]!;
    const { topic, index, sequence } = place;
    const values = valuesFrom(options, next, LIMITS.recordsPerWriter);
    const bytes = batchOf(io, values, { ...producer, baseSequence: sequence });
    place.sequence += values.length;
    next += values.length;
    const sending = send(options, { topic, index, values, bytes }).finally(() => underWay.delete(sending));
    underWay.add(sending);
    if (underWay.size >= window) await Promise.race(underWay);
    await io.timers.sleep(between(io.random, LIMITS.writePauseMs));
  }
  await Promise.all(underWay);
}

async function send({ client, history, name }: WriterOptions, { topic, index, values, bytes }: Batch): Promise<void> {
  const place = `${name}: produce of ${values[0]?.slice(0, 12)} to ${topic}-${index}`;
  try {
    const answer = await client.produce(topic, index, [bytes], { acks: -1, timeoutMs: LIMITS.callMs });
    if (answer.errorCode === ERROR.NONE) history.acknowledge(topic, index, answer.baseOffset, values);
    else history.complaints.push(`${place} was refused: ${errorName(answer.errorCode)} ${answer.errorMessage ?? ''}`);
  } catch (error) {
    history.complaints.push(`${place} ended with ${(error as Error).message}`);
  }
}

/** acks=1, without a producer id, nothing sent again: what the next leader may cut off. */
export async function runLooseWriter(options: WriterOptions): Promise<void> {
  const { io, client, topics, trace } = options;
  for (let next = 0; next < LIMITS.looseRecords; ) {
    const { name } = topics[0]!;
    const values = valuesFrom(options, next, LIMITS.looseRecords);
    next += values.length;
    const produced = client.produce(name, 0, [batchOf(io, values)], { acks: 1, timeoutMs: LIMITS.adminCallMs });
    produced.catch((error: Error) => trace(`${options.name} gave up: ${error.message}`));
    await io.timers.sleep(between(io.random, LIMITS.writePauseMs));
  }
}

function valuesFrom({ io, name }: WriterOptions, next: number, end: number): string[] {
  const count = Math.min(1 + below(io.random, LIMITS.maxBatchRecords), end - next);
  return Array.from({ length: count }, (_, at) => {
    const padding = Math.floor(between(io.random, LIMITS.valueBytes));
    return `${name}:${next + at} ${'.'.repeat(padding)}`;
  });
}

type Producing = { producerId: number; producerEpoch: number; baseSequence: number };

function batchOf(io: Io, values: readonly string[], producing?: Producing): Buffer {
  const timestamp = io.clock.now();
  const records = values.map((value) => ({ timestamp, key: null, value: Buffer.from(value), headers: [] }));
  return Buffer.from(writeBatch({ records, ...producing }));
}

async function untilDone<T>({ io, name, trace }: WriterOptions, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      trace(`${name} tries again: ${(error as Error).message}`);
      await io.timers.sleep(LIMITS.retryMs);
    }
  }
}

/**
 * A Kafka producer as libraries write it: idempotent, one batch at a time, sent again until it is answered. Its
 * values name it and count, so that checkers can tell a lost, doubled or reordered record.
 * Invariant: a value enters the ledger when, and only when, its batch was acknowledged.
 */
import type { Client } from '@meridian/client';
import type { Io } from '@meridian/io';
import { between } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import type { Ledger } from '../ledger.ts';
import { LIMITS } from '../limits.ts';

export interface WriterOptions {
  io: Io;
  client: Client;
  name: string;
  region: string;
  topic: string;
  ledger: Ledger;
  trace(line: string): void;
}

const RETRY_MS = 200;

/** Resolves when everything is acknowledged. */
export async function runWriter(options: WriterOptions): Promise<void> {
  const { io } = options;
  const producer = await untilDone(options, () => options.client.initProducerId());
  const sequences = new Array<number>(LIMITS.partitions).fill(0);
  for (let next = 0; next < LIMITS.recordsPerWriter; ) {
    const partition = Math.floor(io.random.next() * LIMITS.partitions);
    const count = Math.min(1 + Math.floor(io.random.next() * LIMITS.maxBatchRecords), LIMITS.recordsPerWriter - next);
    const values = Array.from({ length: count }, (_, index) => `${options.name}:${next + index}`);
    const batch = writeBatch({
      records: values.map((value) => ({
        timestamp: io.clock.now(),
        key: null,
        value: Buffer.from(value),
        headers: [],
      })),
      ...producer,
      baseSequence: sequences[partition] as number,
    });
    const baseOffset = await untilDone(options, () => produce(options, partition, Buffer.from(batch)));
    values.forEach((value, index) => {
      const { region, topic } = options;
      options.ledger.acknowledged.push({ region, topic, partition, offset: baseOffset + index, value });
    });
    sequences[partition] = (sequences[partition] as number) + count;
    next += count;
    await io.timers.sleep(between(io.random, LIMITS.writePauseMs));
  }
}

async function produce({ client, topic }: WriterOptions, partition: number, batch: Buffer): Promise<number> {
  const { errorCode, errorMessage, baseOffset } = await client.produce(topic, partition, [batch], { acks: -1 });
  if (errorCode !== ERROR.NONE) throw new Error(`produce answered ${errorCode} ${errorMessage}`);
  return baseOffset;
}

async function untilDone<T>({ io, name, trace }: WriterOptions, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      trace(`${name} tries again: ${(error as Error).message}`);
      await io.timers.sleep(RETRY_MS);
    }
  }
}

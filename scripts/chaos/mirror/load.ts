/**
 * Records at a fixed rate into one topic, idempotently and numbered per partition, sent again until they are acknowledged
 * whatever dies meanwhile. Used by `chaos -- mirror`.
 * Invariant: the n-th record of a partition bears the number n; what is acknowledged is acknowledged in that order.
 */
import { type Client, createClient } from '@meridian/client';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { ERROR, errorName } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';

const BATCH_RECORDS = 200;
const VALUE_BYTES = 100;
const PATIENCE_MS = 120_000;
/** Beyond, the load waits for the broker: it is away. */
const MAX_WAITING = 2_000;

export interface Load {
  /** By partition: so many records are acknowledged. */
  readonly acknowledged: number[];
  /** Comes back when everything that was sent is acknowledged; rejects with what cannot be. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  readonly perSecond: number;
}

export async function startLoad({ port, topic, partitions, perSecond }: LoadOptions): Promise<Load> {
  const io = createRealIo();
  const bootstrap = [{ host: '127.0.0.1', port }];
  const limits = { requestTimeoutMs: 5_000, connectTimeoutMs: 2_000, callTimeoutMs: PATIENCE_MS };
  const client = createClient({ io, bootstrap, clientId: 'chaos', log: silentLogger, limits });
  const producer = await client.initProducerId();
  const acknowledged = new Array<number>(partitions).fill(0);
  const written = new Array<number>(partitions).fill(0);
  const waiting = new Set<Promise<void>>();
  let failure: Error | undefined;
  let turn = 0;
  const began = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * (perSecond / BATCH_RECORDS));
    for (; turn < due && waiting.size < MAX_WAITING; turn++) {
      const partition = turn % partitions;
      const from = written[partition]!;
      written[partition] = from + BATCH_RECORDS;
      const batch = batchOf(from, producer);
      const sending = send(client, topic, partition, batch).then(
        () => void (acknowledged[partition] = Math.max(acknowledged[partition]!, from + BATCH_RECORDS)),
        (error: Error) => void (failure ??= error),
      );
      waiting.add(sending);
      void sending.then(() => waiting.delete(sending));
    }
    turn = Math.max(turn, due - MAX_WAITING);
  }, 10);
  return {
    acknowledged,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(waiting);
      await client.close();
      if (failure !== undefined) throw failure;
    },
  };
}

async function send(client: Client, topic: string, partition: number, batch: Buffer): Promise<void> {
  const { errorCode } = await client.produce(topic, partition, [batch], { acks: -1, timeoutMs: PATIENCE_MS });
  // Appended by an attempt whose answer was lost.
  if (errorCode !== ERROR.NONE && errorCode !== ERROR.DUPLICATE_SEQUENCE_NUMBER) throw new Error(errorName(errorCode));
}

function batchOf(from: number, producer: { producerId: number; producerEpoch: number }): Buffer {
  const timestamp = Date.now();
  const records = Array.from({ length: BATCH_RECORDS }, (_, index) => {
    const value = Buffer.alloc(VALUE_BYTES);
    value.writeDoubleBE(from + index, 0);
    return { timestamp, value };
  });
  return Buffer.from(writeBatch({ records, ...producer, baseSequence: from }));
}

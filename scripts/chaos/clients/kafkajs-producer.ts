/**
 * kafkajs, idempotent: one batch for one partition at a time. After a send that failed for good its outcome is unknown, and
 * another producer with another name goes on: kafkajs would give the next batch the sequence of the one that failed.
 */
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { type ChaosClient, type ChaosContext, padded, recordName } from './chaos-client.ts';

const MAX_BATCH = 20;
const PAUSE_MS = 10;
const RETRY = { retries: 60, initialRetryTime: 50, maxRetryTime: 500 };
const REQUEST_TIMEOUT_MS = 5_000;

export function startKafkajsProducer(name: string, context: ChaosContext): ChaosClient {
  let isWanted = true;
  const work = (async () => {
    for (let life = 1; isWanted; life++) await live(`${name}.${life}`, context, () => isWanted);
  })();
  return {
    name,
    async stop() {
      isWanted = false;
      await work;
    },
  };
}

/** Until a send fails for good. */
async function live(writer: string, context: ChaosContext, isWanted: () => boolean): Promise<void> {
  const kafka = new Kafka({
    clientId: writer,
    brokers: context.bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: RETRY,
  });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  try {
    await producer.connect();
    for (let number = 0; isWanted(); ) {
      const count = 1 + (number % MAX_BATCH);
      if (!(await send(producer, writer, number, count, context))) return;
      number += count;
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  } catch {
    // Nobody to connect to: nothing was sent, the next life tries.
  } finally {
    await producer.disconnect().catch(() => {});
  }
}

async function send(
  producer: Producer,
  writer: string,
  first: number,
  count: number,
  { topic, partitions, ledger }: ChaosContext,
): Promise<boolean> {
  const partition = (first * 7) % partitions;
  const values = Array.from({ length: count }, (_, index) => recordName(writer, first + index));
  try {
    const messages = values.map((value) => ({ partition, value: padded(value) }));
    const [answer] = await producer.send({ topic, acks: -1, messages });
    const baseOffset = Number(answer?.baseOffset ?? -1);
    values.forEach((value, index) => {
      ledger.acknowledged(value, partition, baseOffset < 0 ? -1 : baseOffset + index);
    });
    return true;
  } catch (error) {
    for (const value of values) ledger.unknown(value, partition, (error as Error).message);
    return false;
  }
}

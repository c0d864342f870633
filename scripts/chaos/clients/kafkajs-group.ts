/** A group of two kafkajs members that commits as it goes: every record at least once, whoever leads and coordinates. */
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { textOf } from '../audit/final-read.ts';
import type { ChaosClient, ChaosContext } from './chaos-client.ts';

const MEMBERS = 2;

export async function startKafkajsGroup(name: string, context: ChaosContext): Promise<ChaosClient> {
  const kafka = new Kafka({
    clientId: name,
    brokers: context.bootstrap.split(','),
    logLevel: logLevel.NOTHING,
    requestTimeout: 5_000,
    retry: { retries: 1_000, initialRetryTime: 50, maxRetryTime: 500 },
  });
  const members: Consumer[] = [];
  for (let member = 0; member < MEMBERS; member++) members.push(await joined(kafka, name, context));
  return {
    name,
    async stop() {
      for (const member of members) await member.disconnect();
    },
  };
}

async function joined(kafka: Kafka, name: string, { topic, ledger }: ChaosContext): Promise<Consumer> {
  const received = ledger.group(name);
  const consumer = kafka.consumer({
    groupId: name,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 100,
    retry: { retries: 1_000, initialRetryTime: 50, maxRetryTime: 500, restartOnFailure: async () => true },
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 500,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (const { offset, value } of batch.messages) {
        ledger.received(received, batch.partition, { offset: Number(offset), value: textOf(value) });
        resolveOffset(offset);
      }
      await heartbeat();
    },
  });
  return consumer;
}

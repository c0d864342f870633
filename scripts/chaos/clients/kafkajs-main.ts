/**
 * kafkajs for `npm run chaos`, as a process: `kafkajs-main.ts produce|read BOOTSTRAP TOPIC PARTITIONS NAME`, started by `kafkajs.ts`.
 * Writes `S value partition` before it sends, `A value partition offset` or `U value partition why`; of a member of a group
 * `R partition offset value`; and `H` every second while its event loop turns. A line on standard input ends it.
 */
import { createInterface } from 'node:readline';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { padded, recordName } from './chaos-client.ts';

const MAX_BATCH = 20;
const PAUSE_MS = 10;
const ALIVE_EVERY_MS = 1_000;
const LEAVE_LIMIT_MS = 10_000;
const PRODUCER_RETRY = { retries: 60, initialRetryTime: 50, maxRetryTime: 500 };
const CONSUMER_RETRY = { retries: 1_000, initialRetryTime: 50, maxRetryTime: 500 };

const [role = '', bootstrap = '', topic = '', partitionCount = '', name = ''] = process.argv.slice(2);
const partitions = Number(partitionCount);
let isWanted = true;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const kafkaOf = (clientId: string, retry: typeof PRODUCER_RETRY): Kafka =>
  new Kafka({ clientId, brokers: bootstrap.split(','), logLevel: logLevel.NOTHING, requestTimeout: 5_000, retry });

const ended = new Promise<void>((done) => {
  createInterface({ input: process.stdin }).once('line', () => {
    isWanted = false;
    done();
  });
});
setInterval(() => say('H'), ALIVE_EVERY_MS);
if (role === 'produce') for (let life = 1; isWanted; life++) await produce(`${name}.${life}`);
else await read();
process.exit(0);

/**
 * One batch for one partition at a time, until a send fails for good: its outcome is unknown, and another producer under
 * another name goes on, as kafkajs would give the next batch the sequence of the one that failed.
 */
async function produce(writer: string): Promise<void> {
  const producer = kafkaOf(writer, PRODUCER_RETRY).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  try {
    await producer.connect();
    for (let number = 0; isWanted; ) {
      const count = 1 + (number % MAX_BATCH);
      if (!(await send(producer, writer, number, count))) return;
      number += count;
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  } catch {
    // Nobody to connect to: nothing was sent, the next life tries.
  } finally {
    await producer.disconnect().catch(() => {});
  }
}

async function send(producer: Producer, writer: string, first: number, count: number): Promise<boolean> {
  const partition = (first * 7) % partitions;
  const values = Array.from({ length: count }, (_, index) => recordName(writer, first + index));
  for (const value of values) say(`S ${value} ${partition}`);
  try {
    const messages = values.map((value) => ({ partition, value: padded(value) }));
    const [answer] = await producer.send({ topic, acks: -1, messages });
    const baseOffset = Number(answer?.baseOffset ?? -1);
    values.forEach((value, index) => {
      say(`A ${value} ${partition} ${baseOffset < 0 ? -1 : baseOffset + index}`);
    });
    return true;
  } catch (error) {
    for (const value of values) say(`U ${value} ${partition} ${(error as Error).message.replaceAll('\n', ' ')}`);
    return false;
  }
}

/** A member of the group that bears its name: commits as it goes. */
async function read(): Promise<void> {
  const consumer = kafkaOf(name, CONSUMER_RETRY).consumer({
    groupId: name,
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 100,
    retry: { ...CONSUMER_RETRY, restartOnFailure: async () => true },
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 500,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (const { offset, value } of batch.messages) {
        say(`R ${batch.partition} ${offset} ${(value ?? '').toString().trimEnd()}`);
        resolveOffset(offset);
      }
      await heartbeat();
    },
  });
  await ended;
  await Promise.race([consumer.disconnect(), new Promise((done) => setTimeout(done, LEAVE_LIMIT_MS))]);
}

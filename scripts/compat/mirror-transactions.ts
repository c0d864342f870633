/**
 * A topic of Apache Kafka's that was written in transactions (committed, aborted, interleaved, one left open), and its
 * copies in a broker of ours and in another Apache Kafka: readers of the copies see what readers of the source see, and in
 * ours at the same offsets, aborted records and all. Then the source deletes records, and the copies begin where it does;
 * and at last it deletes some that nobody has copied, with the end of the open transaction among them.
 */
import assert from 'node:assert/strict';
import { type Admin, Kafka, logLevel, type Producer, type Transaction } from 'kafkajs';
import { installKafka } from '../peers/kafka.ts';
import { copyName, meridianMirror } from '../peers/meridian-mirror.ts';
import { type Engine, type MirrorRegion, openRegion } from '../peers/mirror-region.ts';
import type { NodeProcess } from '../peers/node-process.ts';
import type { CompatClient } from './compat-client.ts';

const TOPIC = 'orders';
const PORTS = { source: 23_840, target: 23_850, mirror: 23_860 };
const LIMIT_MS = 30_000;
const DELETED_BELOW = 10;

export const mirrorTransactionsClient: CompatClient = {
  name: 'mirror-transactions',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [
    { name: 'a copy in Meridian of transactions in Apache Kafka', run: () => copied('embedded') },
    { name: 'a copy in Apache Kafka of transactions in Apache Kafka', run: () => copied('kafka') },
  ],
};

interface Seen {
  readonly offset: string;
  readonly value: string;
}

async function copied(engine: Engine): Promise<void> {
  const heap = '384M';
  const source = await openRegion({ engine: 'kafka', name: 'west', id: 1, port: PORTS.source, heap });
  const target = await openRegion({ engine, name: 'east', id: 2, port: PORTS.target, heap });
  const link = { onGap: { default: 'mark-gap' } };
  const mirror = meridianMirror({ from: source, to: target, link, managementPort: PORTS.mirror });
  try {
    await Promise.all([source.node.start(), target.node.start()]);
    const admin = clientOf(source).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }] });
    await mirror.start();
    await write(source);
    await compare(source, target, engine);
    await deleteRecords(admin, target, engine);
    if (engine === 'embedded') await loseAnEnd(admin, source, target, mirror);
    await admin.disconnect();
  } finally {
    await mirror.kill();
    await source.remove();
    await target.remove();
  }
}

const clientOf = ({ port }: MirrorRegion): Kafka =>
  new Kafka({ clientId: 'compat', brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING });

/** Three producers at once, one of which aborts; then one that leaves its transaction open, and one that goes on behind it. */
async function write(source: MirrorRegion): Promise<void> {
  await Promise.all([transact(source, 'first', 5, 'commit'), transact(source, 'void', 5, 'abort')]);
  await transact(source, 'second', 4, 'commit');
  await transact(source, 'open', 1, 'leave');
  await transact(source, 'behind', 3, 'commit');
}

async function transact(source: MirrorRegion, name: string, count: number, end: 'commit' | 'abort' | 'leave') {
  const producer = clientOf(source).producer({ transactionalId: name, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let transaction = 0; transaction < count; transaction++) {
    const open = await begin(producer);
    for (let record = 0; record < 3; record++) {
      await open.send({ topic: TOPIC, messages: [{ key: name, value: `${name} ${transaction}.${record}` }] });
    }
    if (end !== 'leave') await open[end]();
  }
  await producer.disconnect();
}

/** A coordinator that has just come up refuses the first who ask, and kafkajs does not ask again. */
async function begin(producer: Producer): Promise<Transaction> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await producer.transaction();
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise((done) => setTimeout(done, 250));
    }
  }
}

async function compare(source: MirrorRegion, target: MirrorRegion, engine: Engine): Promise<void> {
  const copy = copyName(source, TOPIC);
  const committed = await read(source, TOPIC, 'committed', 27);
  const inCopy = await read(target, copy, 'committed', committed.length);
  const valuesOf = (all: readonly Seen[]) => all.map(({ value }) => value);
  assert.deepEqual(valuesOf(inCopy), valuesOf(committed));
  assert.ok(committed.every(({ value }) => !value.startsWith('void') && !value.startsWith('open')));
  if (engine === 'kafka') return;
  assert.deepEqual(inCopy, committed);
  const all = await read(source, TOPIC, 'all', 54);
  assert.deepEqual(await read(target, copy, 'all', all.length), all);
}

/** As soon as `least` records have come, and none for half a second. */
async function read(region: MirrorRegion, topic: string, which: 'committed' | 'all', least: number): Promise<Seen[]> {
  const groupId = `reads-${which}-${topic}-${process.hrtime.bigint()}`;
  const consumer = clientOf(region).consumer({ groupId, readUncommitted: which === 'all' });
  const seen: Seen[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => void seen.push({ offset: message.offset, value: `${message.value}` }),
  });
  let before = -1;
  await until(() => {
    const isQuiet = seen.length >= least && seen.length === before;
    before = seen.length;
    return isQuiet;
  }, `${least} records of ${topic}`);
  await consumer.disconnect();
  return seen;
}

async function deleteRecords(admin: Admin, target: MirrorRegion, engine: Engine): Promise<void> {
  await admin.fetchTopicMetadata({ topics: [TOPIC] });
  const partitions = [{ partition: 0, offset: `${DELETED_BELOW}` }];
  await admin.deleteTopicRecords({ topic: TOPIC, partitions });
  const targetAdmin = clientOf(target).admin();
  await targetAdmin.connect();
  const startOf = async () => Number((await targetAdmin.fetchTopicOffsets(`west.${TOPIC}`))[0]!.low);
  // Re-based offsets are others: that its start has moved must do.
  await until(async () => (engine === 'kafka' ? (await startOf()) > 0 : (await startOf()) === DELETED_BELOW), 'start');
  await targetAdmin.disconnect();
}

/** Readers of committed records do not wait for the end of a transaction that the copy will never get. */
async function loseAnEnd(admin: Admin, source: MirrorRegion, target: MirrorRegion, mirror: NodeProcess): Promise<void> {
  await mirror.kill();
  await transact(source, 'open', 1, 'commit'); // which aborts the one that was left
  await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: '-1' }] });
  await transact(source, 'beyond', 1, 'commit');
  await mirror.start();
  const targetAdmin = clientOf(target).admin();
  await targetAdmin.connect();
  const startOf = async (by: Admin, topic: string) => (await by.fetchTopicOffsets(topic))[0]!.low;
  const start = await startOf(admin, TOPIC);
  const copy = copyName(source, TOPIC);
  await until(async () => (await startOf(targetAdmin, copy)) === start, 'the start behind the gap');
  await targetAdmin.disconnect();
  assert.deepEqual(await read(target, copy, 'committed', 3), await read(source, TOPIC, 'committed', 3));
}

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 500));
  }
}

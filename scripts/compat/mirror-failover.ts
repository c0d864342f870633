/**
 * A region of ours is lost, an Apache Kafka takes over under the topic's own name, and it comes back: with real processes,
 * and with kafkajs as producer and group. What only the lost region had is kept aside.
 */
import assert from 'node:assert/strict';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { installKafka } from '../peers/kafka.ts';
import { meridianMirror } from '../peers/meridian-mirror.ts';
import { type MirrorRegion, openRegion } from '../peers/mirror-region.ts';
import type { CompatClient } from './compat-client.ts';

const TOPIC = 'orders';
const GROUP = 'billing';
const PORTS = { west: 23_870, east: 23_880, toEast: 23_890, toWest: 23_891 };
const LIMIT_MS = 90_000;
const READ = 60;
const RETENTION_MS = '70000000';

export const mirrorFailoverClient: CompatClient = {
  name: 'mirror-failover',
  standsAlone: true,
  install: () => void installKafka(),
  checks: [{ name: 'fail-over into Apache Kafka and back, with a group and records that only one side has', run }],
};

interface Run {
  readonly id: string;
  readonly state: string;
  readonly topics: readonly { reason: string | null; step: string; aside: { topic: string; records: number } | null }[];
}

async function run(): Promise<void> {
  const west = await openRegion({ engine: 'embedded', name: 'west', id: 1, port: PORTS.west });
  const east = await openRegion({ engine: 'kafka', name: 'east', id: 2, port: PORTS.east, heap: '384M' });
  const link = { policy: 'identity' };
  const toEast = meridianMirror({ from: west, to: east, managementPort: PORTS.toEast, topics: [TOPIC], link });
  const toWest = meridianMirror({ from: east, to: west, managementPort: PORTS.toWest, topics: ['nothing'] });
  try {
    await Promise.all([west.node.start(), east.node.start()]);
    await Promise.all([toEast.start(), toWest.start()]);
    await thereAndBack(west, east);
  } finally {
    await Promise.all([toEast.kill(), toWest.kill()]);
    await west.remove();
    await east.remove();
  }
}

async function thereAndBack(west: MirrorRegion, east: MirrorRegion): Promise<void> {
  const [there, here] = [await adminOf(west), await adminOf(east)];
  const configEntries = [{ name: 'retention.ms', value: RETENTION_MS }];
  await there.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1, configEntries }] });
  await produce(west, numbered('order', 0, 100));
  await there.setOffsets({ groupId: GROUP, topic: TOPIC, partitions: [{ partition: 0, offset: `${READ}` }] });
  // A fence's marker lies before the copy's records: the offset is another one, the place the same.
  await until('the group is carried', async () => (await offsetOf(here)) >= READ);
  await ask(PORTS.toEast, 'POST', '/v1/links/west-east/pause', { by: 'the check' });
  await produce(west, numbered('only here', 0, 5));
  await west.node.kill();

  await done(PORTS.toEast, await ask<Run>(PORTS.toEast, 'POST', '/v1/failover', { name: TOPIC, force: true }));
  assert.deepEqual(await setOn(here), { 'retention.ms': RETENTION_MS });
  await produce(east, numbered('after', 0, 10));
  const unread = [...numbered('order', READ, 100), ...numbered('after', 0, 10)];
  assert.deepEqual(await consume(east, TOPIC, GROUP, unread.length), unread);

  await west.node.start();
  const plan = await until('the region is back', () =>
    ask<{ aside: number }>(PORTS.toWest, 'GET', `/v1/failback?name=${TOPIC}`),
  );
  assert.equal(plan.aside, 5);
  const back = await ask<Run>(PORTS.toWest, 'POST', '/v1/failback', { name: TOPIC, force: true });
  const [topic] = (await done(PORTS.toWest, back)).topics;
  assert.equal(topic?.aside?.records, 5);
  assert.deepEqual(await consume(west, topic.aside.topic, 'aside', 5), numbered('only here', 0, 5));
  const all = [...numbered('order', 0, 100), ...numbered('after', 0, 10)];
  assert.deepEqual(await consume(west, TOPIC, 'all', all.length), all);
  await produce(west, ['home again']);
  assert.deepEqual(await consume(west, TOPIC, GROUP, 1), ['home again']);
  await Promise.all([there.disconnect(), here.disconnect()]);
}

const numbered = (what: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, at) => `${what} ${from + at}`);

/** What is set on the topic itself, at an Apache Kafka. */
async function setOn(admin: Admin): Promise<Record<string, string>> {
  const resources = [{ type: 2, name: TOPIC }]; // as DescribeConfigs numbers topics, and below what is set on them
  const { resources: found } = await admin.describeConfigs({ resources, includeSynonyms: false });
  const set = found[0]!.configEntries.filter(({ configSource }) => configSource === 1);
  return Object.fromEntries(set.map(({ configName, configValue }) => [configName, configValue]));
}

const clientOf = ({ port }: MirrorRegion): Kafka =>
  new Kafka({ clientId: 'compat', brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING });

async function adminOf(region: MirrorRegion): Promise<Admin> {
  const admin = clientOf(region).admin();
  await admin.connect();
  return admin;
}

async function offsetOf(admin: Admin): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] }).catch(() => []);
  return Number(found?.partitions[0]?.offset ?? -1);
}

async function produce(region: MirrorRegion, values: readonly string[]): Promise<void> {
  const producer = clientOf(region).producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** From where the group stands, until so many have come; what it read is committed. */
async function consume(region: MirrorRegion, topic: string, groupId: string, count: number): Promise<string[]> {
  const consumer = clientOf(region).consumer({ groupId });
  const seen: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(`${message.value}`) });
  await until(`${count} records of ${topic}`, async () => seen.length >= count);
  await consumer.disconnect();
  return seen;
}

async function done(port: number, begun: Run): Promise<Run> {
  let last = begun;
  try {
    return await until('the run is done', async () => {
      const { runs } = await ask<{ runs: Run[] }>(port, 'GET', '/v1/failover/runs');
      last = runs.find(({ id }) => id === begun.id) ?? last;
      return last.state === 'done' && last;
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(last.topics)}`);
  }
}

async function ask<T>(port: number, method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
  const content = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...content });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

/** What it answers when it is neither an error nor false. */
async function until<T>(what: string, look: () => Promise<T | false>): Promise<T> {
  let reason = '';
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += 250) {
    try {
      const found = await look();
      if (found !== false) return found;
    } catch (error) {
      reason = (error as Error).message;
    }
    await new Promise((next) => setTimeout(next, 250));
  }
  throw new Error(`not within ${LIMIT_MS} ms: ${what} ${reason}`);
}

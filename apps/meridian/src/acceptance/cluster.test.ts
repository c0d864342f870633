/**
 * Three brokers in each region, as `npm start -- --brokers 3` runs them: a leader is killed at the origin and one of the
 * copy, under a publishing session, a group, the mirror and readers in both regions, and everything goes on: nothing is
 * lost, and nothing is there twice.
 */
import { connect } from '@meridian/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProducer, kafkaClient, sendAll } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, type PartName, type RegionName, startLocalPlatform } from '../testing/local-platform.ts';
import { startReader } from '../testing/sdk-reader.ts';

const REGIONS: RegionName[] = ['us-east', 'eu-west'];
const RECORDS = 3_000;
const KILL_ORIGIN_AT = 1_000;
const KILL_COPY_AT = 2_000;
let platform: LocalPlatform;

beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: 13_000, brokers: 3 });
}, 90_000);
afterAll(() => platform?.stop(), 60_000);

const partOf = (nodeId: number): PartName => (nodeId === 1 ? 'broker' : `broker-${nodeId}`);

type Admin = ReturnType<ReturnType<typeof kafkaClient>['admin']>;

async function withAdmin<T>(work: (admin: Admin) => Promise<T>, region: RegionName = 'us-east'): Promise<T> {
  const admin = kafkaClient(platform.kafka(region)).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

test('each partition has three replicas in sync, and its brokers know each other', async () => {
  const { topics, brokers } = await withAdmin(async (admin) => {
    await admin.createTopics({ topics: [{ topic: 'acme.orders' }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['acme.orders'] });
    return { topics, brokers: (await admin.describeCluster()).brokers };
  });
  expect(brokers.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2, 3]);
  for (const { replicas, isr } of topics[0]!.partitions) {
    expect([replicas.toSorted(), isr.toSorted()]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  }
});

test('kill -9 of leaders: publishing sessions, readers in both regions and a group go on', async () => {
  const token = await platform.token('orders:read,write');
  const meridian = await connect({ urls: [platform.gateway('us-east')], token });
  const readers = await Promise.all(
    REGIONS.map((region) => startReader({ urls: [platform.gateway(region)], token, topic: 'orders' })),
  );
  const group = await readWithGroup('acme.orders');
  const onTheWay: Promise<unknown>[] = [];
  for (let n = 0; n < RECORDS; n++) {
    onTheWay.push(meridian.publish('orders', { key: `k${n % 50}`, value: `v${n}` }, { idempotent: true }));
    if (n === KILL_ORIGIN_AT) platform.kill('us-east', partOf(await leaderOf('acme.orders', 'us-east')));
    if (n === KILL_COPY_AT) platform.kill('eu-west', partOf(await leaderOf('us-east.acme.orders', 'eu-west')));
    if (n % 100 === 99) await Promise.all(onTheWay.splice(0));
  }
  await Promise.all(onTheWay);
  for (const reader of readers) await reader.until(RECORDS, 60_000);
  await group.until(RECORDS, 60_000);
  const [east, west] = readers.map((reader) => reader.digests('us-east').result());
  expect(east).toEqual(west);
  for (const reader of readers) {
    expect([reader.received, reader.disorders, reader.gaps]).toEqual([RECORDS, [], []]);
    await reader.close();
  }
  await group.stop();
  await meridian.close();
}, 150_000);

test('the broker that was killed is started again, and is in sync again', async () => {
  const deadline = Date.now() + 60_000;
  const inSync = () =>
    withAdmin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: ['acme.orders'] });
      return topics[0]!.partitions.every(({ isr }) => isr.length === 3);
    });
  while (!(await inSync()) && Date.now() < deadline) await new Promise((done) => setTimeout(done, 200));
  expect(await inSync()).toBe(true);
  for (const region of REGIONS) {
    expect(platform.output.some((line) => new RegExp(`${region}/broker.* runs again`).test(line))).toBe(true);
  }
  const producer = await connectProducer(platform.kafka('us-east'));
  await sendAll(producer, 'acme.orders', [{ key: 'k', value: 'after' }]);
  await producer.disconnect();
}, 90_000);

async function leaderOf(topic: string, region: RegionName): Promise<number> {
  return withAdmin(async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]!.partitions[0]!.leader;
  }, region);
}

/** A consumer group of kafkajs, from the start: what it has seen, each value once. */
async function readWithGroup(topic: string) {
  const consumer = kafkaClient(platform.kafka('us-east')).consumer({ groupId: 'acme.readers', sessionTimeout: 10_000 });
  const seen = new Set<string>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(String(message.value));
    },
  });
  return {
    async until(count: number, limitMs: number): Promise<void> {
      const deadline = Date.now() + limitMs;
      while (seen.size < count && Date.now() < deadline) await new Promise((done) => setTimeout(done, 50));
      expect(seen.size).toBe(count);
    },
    stop: () => consumer.disconnect(),
  };
}

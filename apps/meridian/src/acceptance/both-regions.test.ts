/**
 * Active/active on real processes: writers in both regions on one topic, readers in both, and a client that goes on
 * in the other region from its cursor when its gateway dies.
 */
import { type Coordinates, connect } from '@meridian/sdk';
import { CompressionTypes } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProducer, kafkaClient, numberedRecords, readBack, sendAll } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, type RegionName, startLocalPlatform } from '../testing/local-platform.ts';
import { startReader } from '../testing/sdk-reader.ts';

const REGIONS: RegionName[] = ['us-east', 'eu-west'];
let platform: LocalPlatform;

beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: 11_000 });
});
afterAll(() => platform?.stop());

const placeOf = ({ region, topicId, partition, epoch, offset }: Coordinates): string =>
  `${region} ${topicId} ${partition} ${epoch} ${offset}`;

/** Resolves when the copy at us-east has so many records. */
async function copied(topic: string, count: number): Promise<void> {
  const admin = kafkaClient(platform.kafka('us-east')).admin();
  await admin.connect();
  for (let has = 0; has < count; ) {
    const offsets = await admin.fetchTopicOffsets(topic).catch(() => []);
    has = offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
    await new Promise((done) => setTimeout(done, 50));
  }
  await admin.disconnect();
}

test('writers in both regions: a reader in each sees all of both, and nothing comes back as a second copy', async () => {
  const count = 5_000;
  const token = await platform.token('both:read');
  await Promise.all(
    REGIONS.map(async (region) => {
      // Idempotent: kafkajs sends all partitions again when one of a topic that is being made has no leader yet.
      const producer = await connectProducer(platform.kafka(region), { idempotent: true });
      await sendAll(producer, 'acme.both', numberedRecords(region, count), { chunk: 200 });
      await producer.disconnect();
    }),
  );
  const readers = await Promise.all(
    REGIONS.map((region) => startReader({ urls: [platform.gateway(region)], token, topic: 'both' })),
  );
  for (const reader of readers) await reader.until(2 * count, 30_000);
  await new Promise((done) => setTimeout(done, 1_500));
  const [east, west] = readers as [(typeof readers)[0], (typeof readers)[0]];
  for (const region of REGIONS) expect(east.digests(region).result()).toEqual(west.digests(region).result());
  for (const reader of readers) {
    expect(reader.received).toBe(2 * count);
    expect(reader.disorders).toEqual([]);
    await reader.close();
  }
  const admin = kafkaClient(platform.kafka('us-east')).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((name) => name.endsWith('.both'));
  await admin.disconnect();
  expect(topics.sort()).toEqual(['acme.both', 'eu-west.acme.both']);
}, 90_000);

test('a client whose gateway is killed goes on in the other region from its cursor, nothing missing, nothing twice', async () => {
  const count = 20_000;
  const producer = await connectProducer(platform.kafka('eu-west'), { idempotent: true });
  const meridian = await connect({
    urls: [platform.gateway('eu-west'), platform.gateway('us-east')],
    token: await platform.token('moving:read'),
    protocol: 'json',
  });
  await sendAll(producer, 'acme.moving', numberedRecords('first', count));
  await copied('eu-west.acme.moving', count);
  const subscription = meridian.subscribe('moving', { from: 'earliest' });
  const seen: string[] = [];
  let connections = 0;
  subscription.onStatus = () => {
    connections++;
  };
  let killed = false;
  for await (const message of subscription) {
    seen.push(message.text() ?? '');
    if (!killed && seen.length >= count / 4) {
      killed = true;
      platform.kill('eu-west', 'gateway');
    }
    if (seen.length >= count) break;
  }
  expect(new Set(seen).size).toBe(count);
  expect(seen.length).toBe(count);
  expect(connections).toBeGreaterThan(1);
  for (const status of subscription.status) expect(status.status).toBe('exact');
  await meridian.close();
  await producer.disconnect();
}, 90_000);

test('what a gateway says of a record that was published is what readers are told of it, in every region', async () => {
  const count = 200;
  const token = await platform.token('told:read,write');
  const told = new Map<string, string>();
  for (const region of REGIONS) {
    const meridian = await connect({ urls: [platform.gateway(region)], token });
    const publish = async (n: number, idempotent: boolean): Promise<void> => {
      const value = `${region}-${n}`;
      told.set(value, placeOf(await meridian.publish('told', { key: `k${n % 20}`, value }, { idempotent })));
    };
    await publish(0, true); // creates the topic
    await Promise.all(Array.from({ length: count - 1 }, (_, n) => publish(n + 1, n % 2 === 0)));
    await meridian.close();
  }
  for (const region of REGIONS) {
    const meridian = await connect({ urls: [platform.gateway(region)], token });
    const seen = new Map<string, string>();
    for await (const message of meridian.subscribe('told', { from: 'earliest' })) {
      seen.set(message.text() ?? '', placeOf(message));
      if (seen.size === 2 * count) break;
    }
    await meridian.close();
    expect(seen).toEqual(told);
  }
}, 90_000);

test.each([
  ['plain', CompressionTypes.None, false],
  ['gzip', CompressionTypes.GZIP, false],
  ['idempotent', CompressionTypes.None, true],
])(
  'kafkajs writes %s records to a region and reads them back there',
  async (name, compression, idempotent) => {
    const topic = `acme.back-${name}`;
    const producer = await connectProducer(platform.kafka('us-east'), { idempotent });
    const sent = numberedRecords(name, 1_000);
    await sendAll(producer, topic, sent, { chunk: 100, compression });
    await producer.disconnect();
    const back = await readBack(platform.kafka('us-east'), topic);
    const values = back.map(({ value }) => value);
    // Without idempotence kafkajs sends whole requests again while a new partition of Apache Kafka warms up.
    const isOnce = idempotent || platform.engine('us-east') === 'embedded';
    expect((isOnce ? values : [...new Set(values)]).sort()).toEqual(sent.map(({ value }) => value).sort());
  },
  60_000,
);

/**
 * kafkajs: producer (plain, gzip, idempotent), its own fetch and decoding of what the broker answers (records are read
 * back through its broker connection, without a group), and its group consumers.
 */
import assert from 'node:assert/strict';
import { CompressionTypes, type Consumer, type EachMessageHandler } from 'kafkajs';
import { connectProducer, kafkaClient, readBack, sendAll } from '../../apps/meridian/src/testing/kafkajs-clients.ts';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

export const kafkajsClient: CompatClient = {
  name: 'kafkajs',
  install: () => {},
  checks: [
    roundTrip('plain', CompressionTypes.None, false),
    roundTrip('gzip', CompressionTypes.GZIP, false),
    roundTrip('idempotent', CompressionTypes.None, true),
    {
      name: 'creates, lists and deletes topics',
      run: async (platform) => {
        const admin = kafkaClient(platform.kafka('us-east')).admin();
        await admin.connect();
        await admin.createTopics({ topics: [{ topic: 'acme.made', numPartitions: 3 }] });
        assert.ok((await admin.listTopics()).includes('acme.made'));
        await admin.deleteTopics({ topics: ['acme.made'] });
        assert.ok(!(await admin.listTopics()).includes('acme.made'));
        await admin.disconnect();
      },
    },
    { name: 'two group members share a topic, and the next goes on where they committed', run: sharesInGroup },
    { name: 'describes, moves and deletes groups', run: administersGroups },
  ],
};

const GROUP_RECORDS = 600;
const GROUP_LIMIT_MS = 30_000;

/** A member that counts what it gets in `seen`, from the group's place or else the beginning. */
async function joinGroup(broker: string, topic: string, seen: Map<string, number>): Promise<Consumer> {
  const consumer = kafkaClient(broker).consumer({ groupId: topic, sessionTimeout: 10_000, heartbeatInterval: 500 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const eachMessage: EachMessageHandler = async ({ partition, message: { offset } }) => {
    const place = `${partition}/${offset}`;
    seen.set(place, (seen.get(place) ?? 0) + 1);
  };
  await consumer.run({ autoCommitThreshold: 50, eachMessage });
  return consumer;
}

async function sharesInGroup(platform: LocalPlatform): Promise<void> {
  const topic = 'acme.kafkajs-group';
  const broker = platform.kafka('us-east');
  const admin = kafkaClient(broker).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 4 }] });
  const seen = new Map<string, number>();
  const members = [await joinGroup(broker, topic, seen), await joinGroup(broker, topic, seen)];
  await until(async () => {
    const [group] = (await admin.describeGroups([topic])).groups;
    return group?.state === 'Stable' && group.members.length === 2;
  });
  await produceMore(broker, topic);
  await until(() => seen.size === GROUP_RECORDS);
  for (const member of members) await member.disconnect();
  const late = await joinGroup(broker, topic, seen);
  await produceMore(broker, topic);
  await until(() => seen.size === 2 * GROUP_RECORDS);
  await late.disconnect();
  assert.ok([...seen.values()].every((times) => times === 1));
  await admin.disconnect();
}

async function produceMore(broker: string, topic: string): Promise<void> {
  const producer = await connectProducer(broker);
  const records = Array.from({ length: GROUP_RECORDS }, (_, n) => ({ key: `k${n % 31}`, value: `${n}` }));
  await sendAll(producer, topic, records, { chunk: 100 });
  await producer.disconnect();
}

async function administersGroups(platform: LocalPlatform): Promise<void> {
  const groupId = 'acme.kafkajs-group';
  const admin = kafkaClient(platform.kafka('us-east')).admin();
  await admin.connect();
  assert.ok((await admin.listGroups()).groups.some((group) => group.groupId === groupId));
  assert.equal((await admin.describeGroups([groupId])).groups[0]?.state, 'Empty');
  const committed = async () => (await admin.fetchOffsets({ groupId })).flatMap(({ partitions }) => partitions);
  assert.equal(
    (await committed()).reduce((sum, { offset }) => sum + Number(offset), 0),
    2 * GROUP_RECORDS,
  );
  await admin.setOffsets({ groupId, topic: groupId, partitions: [{ partition: 1, offset: '5' }] });
  assert.equal((await committed()).find(({ partition }) => partition === 1)?.offset, '5');
  await admin.deleteGroups([groupId]);
  assert.ok(!(await admin.listGroups()).groups.some((group) => group.groupId === groupId));
  await admin.disconnect();
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + GROUP_LIMIT_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'did not come true in time');
    await new Promise((done) => setTimeout(done, 100));
  }
}

function roundTrip(what: string, compression: CompressionTypes, idempotent: boolean): CompatCheck {
  return {
    name: `writes ${what} records and reads them back`,
    run: async (platform) => {
      const topic = `acme.kafkajs-${what}`;
      const records = Array.from({ length: 2_000 }, (_, n) => ({ key: `k${n % 31}`, value: `${what} ${n}` }));
      const producer = await connectProducer(platform.kafka('us-east'), { idempotent });
      await sendAll(producer, topic, records, { chunk: 250, compression });
      await producer.disconnect();
      const back = await readBack(platform.kafka('us-east'), topic);
      assert.deepEqual(back.map(({ value }) => value).sort(), records.map(({ value }) => value).sort());
    },
  };
}

/**
 * @platformatic/kafka: a client with no code in common with kafkajs or librdkafka. Producer with each codec it has,
 * idempotent too; its admin; its stream consumer without a committed place and with one.
 */
import assert from 'node:assert/strict';
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import type { LocalPlatform } from '../../apps/meridian/src/testing/local-platform.ts';
import type { CompatCheck, CompatClient } from './compat-client.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const RECORDS = 2_000;
const TOPIC_CONFIG = 2;
const SET = 0;

export const platformaticClient: CompatClient = {
  name: 'platformatic',
  install: () => {},
  checks: [
    { name: 'creates, grows, lists and deletes topics', run: administersTopics },
    { name: 'describes and alters configs', run: administersConfigs },
    ...CODECS.map((codec) => roundTrip(`${codec} records`, codec, { compression: codec })),
    roundTrip('idempotent records', 'idempotent', { idempotent: true, acks: -1 }),
    { name: 'deletes records up to an offset', run: deletesRecords },
    { name: 'consumes in a group and goes on where it committed', run: goesOnWhereItCommitted },
    { name: 'lists, describes and deletes groups', run: administersGroups },
  ],
};

const base = (platform: LocalPlatform) => ({
  clientId: 'compat',
  bootstrapBrokers: [platform.kafka('us-east')],
  retries: 10,
  retryDelay: 200,
});

async function withAdmin(platform: LocalPlatform, work: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Admin(base(platform));
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}

async function administersTopics(platform: LocalPlatform): Promise<void> {
  await withAdmin(platform, async (admin) => {
    const [made] = await admin.createTopics({ topics: ['acme.plt-made'], partitions: 3, replicas: 1 });
    assert.deepEqual([made?.name, made?.partitions, made?.replicas], ['acme.plt-made', 3, 1]);
    await admin.createPartitions({
      topics: [{ name: 'acme.plt-made', count: 5, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
    });
    const metadata = await admin.metadata({ topics: ['acme.plt-made'] });
    assert.equal(metadata.topics.get('acme.plt-made')?.partitionsCount, 5);
    assert.ok((await admin.listTopics()).includes('acme.plt-made'));
    await admin.deleteTopics({ topics: ['acme.plt-made'] });
    assert.ok(!(await admin.listTopics()).includes('acme.plt-made'));
  });
}

async function administersConfigs(platform: LocalPlatform): Promise<void> {
  await withAdmin(platform, async (admin) => {
    const resourceName = 'acme.plt-configs';
    await admin.createTopics({
      topics: [resourceName],
      partitions: 1,
      replicas: 1,
      configs: [{ name: 'retention.ms', value: '86400000' }],
    });
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: TOPIC_CONFIG,
          resourceName,
          configs: [{ name: 'max.message.bytes', configOperation: SET, value: '2000000' }],
        },
      ],
    });
    const [described] = await admin.describeConfigs({
      resources: [{ resourceType: TOPIC_CONFIG, resourceName, configurationKeys: null }],
    });
    const shown = (name: string) => described?.configs.find((config) => config.name === name)?.value;
    assert.equal(shown('retention.ms'), '86400000');
    assert.equal(shown('max.message.bytes'), '2000000');
    assert.equal(shown('cleanup.policy'), 'delete');
  });
}

function roundTrip(what: string, topic: string, options: object): CompatCheck {
  return {
    name: `writes ${what} and streams them back`,
    run: async (platform) => {
      const values = await produce(platform, `acme.plt-${topic}`, RECORDS, options);
      const found = await consume(platform, `acme.plt-${topic}`, `plt-${topic}`, values.length);
      assert.deepEqual(found.toSorted(), values.toSorted());
    },
  };
}

async function produce(platform: LocalPlatform, topic: string, count: number, options: object): Promise<string[]> {
  const producer = new Producer({
    ...base(platform),
    autocreateTopics: true,
    serializers: stringSerializers,
    ...options,
  });
  const messages = Array.from({ length: count }, (_, n) => ({
    topic,
    key: `k${n % 31}`,
    value: `${topic} ${n} ${'y'.repeat(n % 100)}`,
    headers: { n: String(n) },
  }));
  try {
    for (let at = 0; at < count; at += 250) await producer.send({ messages: messages.slice(at, at + 250) });
  } finally {
    await producer.close();
  }
  return messages.map(({ value }) => value);
}

/** Consumes exactly `count` messages from the group's place, or else the beginning; commits each. */
async function consume(platform: LocalPlatform, topic: string, groupId: string, count: number): Promise<string[]> {
  const consumer = new Consumer({ ...base(platform), groupId, deserializers: stringDeserializers });
  const values: string[] = [];
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
  });
  let last: unknown;
  try {
    for await (const message of stream) {
      values.push(String(message.value));
      last = message.commit();
      if (values.length === count) break;
    }
    await last;
  } finally {
    await consumer.close(true);
  }
  return values;
}

async function deletesRecords(platform: LocalPlatform): Promise<void> {
  const name = 'acme.plt-delete-records';
  await produce(platform, name, 500, {});
  await withAdmin(platform, async (admin) => {
    const [topic] = await admin.listOffsets({
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
    });
    const end = topic?.partitions[0]?.offset ?? 0n;
    assert.ok(end > 10n);
    const [deleted] = await admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 10n }] }] });
    assert.equal(deleted?.partitions[0]?.lowWatermark, 10n);
    const [after] = await admin.listOffsets({
      topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -2n }] }],
    });
    assert.equal(after?.partitions[0]?.offset, 10n);
  });
}

async function goesOnWhereItCommitted(platform: LocalPlatform): Promise<void> {
  const topic = 'acme.plt-resume';
  const values = await produce(platform, topic, 300, {});
  const first = await consume(platform, topic, 'plt-resume', 120);
  const rest = await consume(platform, topic, 'plt-resume', 180);
  assert.deepEqual([...first, ...rest].toSorted(), values.toSorted());
}

async function administersGroups(platform: LocalPlatform): Promise<void> {
  await withAdmin(platform, async (admin) => {
    assert.ok((await admin.listGroups()).has('plt-resume'));
    const described = (await admin.describeGroups({ groups: ['plt-resume'] })).get('plt-resume');
    assert.equal(String(described?.state), 'Empty');
    const [offsets] = await admin.listConsumerGroupOffsets({ groups: ['plt-resume'] });
    const committed = offsets?.topics.flatMap(({ partitions }) => partitions.map((at) => Number(at.committedOffset)));
    assert.equal(
      committed?.reduce((sum, offset) => sum + Math.max(0, offset), 0),
      300,
    );
    await admin.deleteGroups({ groups: ['plt-resume'] });
    assert.ok(!(await admin.listGroups()).has('plt-resume'));
  });
}

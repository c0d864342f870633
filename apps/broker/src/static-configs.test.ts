/** What a broker is started with, as it holds and as it is shown. */
import {
  CreateTopics,
  DeleteTopics,
  DescribeConfigs,
  ERROR,
  IncrementalAlterConfigs,
  Metadata,
  Produce,
} from '@meridian/protocol';
import { expect, test } from 'vitest';
import { settingsOf } from './static-configs.ts';
import { batchOf, produceOf, valuesOf } from './testing/batches.ts';
import { createTopic, fetchOne, startTestBroker } from './testing/test-broker.ts';

const CONFIG = {
  region: 'us-east',
  regionId: 1,
  nodeId: 7,
  dataFolder: '/data',
  client: { host: 'broker', port: 1 },
  internal: { host: 'broker', port: 2, secret: 'x'.repeat(16) },
  regions: ['us-east'],
  autoCreateTopics: true,
  defaultPartitions: 1,
};

test('kafka’s names are heard, the file’s own fields too, and bounds are shown as they are held', () => {
  const configs = { 'fetch.max.bytes': '2048', 'log.retention.hours': '5', 'num.partitions': '3' };
  const settings = settingsOf({ ...CONFIG, configs, limits: { maxConnections: 7 } }, { maxFetchSessions: 9 });
  expect(settings.defaultPartitions).toBe(3);
  expect(settings.limits).toMatchObject({ maxFetchBytes: 2048, maxConnections: 7, maxFetchSessions: 9 });
  expect(Object.fromEntries(settings.staticConfigs)).toMatchObject({
    'node.id': '7',
    'log.retention.hours': '5',
    'fetch.max.bytes': '2048',
    'max.connections': '7',
    'max.incremental.fetch.session.cache.slots': '9',
    'broker.id': '7',
  });
  for (const unset of ['telemetry.max.bytes', 'auto.create.topics.enable']) {
    expect(settings.staticConfigs.has(unset)).toBe(false);
  }
});

test('the clients’ listener is shown as an address, the internal one never', () => {
  const addressesOf = (client: typeof CONFIG.client & { advertisedHost?: string; advertisedPort?: number }) => {
    const { staticConfigs } = settingsOf({ ...CONFIG, client });
    return [staticConfigs.get('listeners'), staticConfigs.get('advertised.listeners')];
  };
  expect(addressesOf(CONFIG.client)).toEqual(['CLIENT://broker:1', 'CLIENT://broker:1']);
  expect(addressesOf({ host: '::', port: 1 })).toEqual(['CLIENT://[::]:1', 'CLIENT://127.0.0.1:1']);
  const elsewhere = { host: '0.0.0.0', port: 1, advertisedHost: 'kafka.example', advertisedPort: 9 };
  expect(addressesOf(elsewhere)).toEqual(['CLIENT://0.0.0.0:1', 'CLIENT://kafka.example:9']);
});

test.each([
  [{ 'no.such.config': '1' }, 'There is no broker config no.such.config'],
  [{ 'num.partitions': '0' }, 'Value must be at least 1'],
  [{ 'node.id': '3' }, 'follows from other fields'],
])('a broker does not start with %j', (configs, why) => {
  expect(() => settingsOf({ ...CONFIG, configs })).toThrow(why);
});

test('a broker started with configs follows them and describes them', async () => {
  const configs = { 'log.retention.hours': '5', 'auto.create.topics.enable': 'false' };
  const broker = await startTestBroker({ config: { configs } });
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const resources = [
    { resourceType: 2, resourceName: 'orders', configurationKeys: ['retention.ms'] },
    { resourceType: 4, resourceName: '1', configurationKeys: ['log.retention.hours'] },
  ];
  const request = { resources, includeSynonyms: false, includeDocumentation: false };
  const { results } = await connection.request(DescribeConfigs, 4, request);
  expect(results.map((result) => result.configs.map(({ value }) => value))).toEqual([['18000000'], ['5']]);
  const topics = [{ name: 'absent' }];
  const metadata = await connection.request(Metadata, 9, {
    topics,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  expect(metadata.topics[0]!.errorCode).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});

test('max.connections counts for the next connection when it is changed', async () => {
  const broker = await startTestBroker();
  const connection = await broker.connect();
  const alter = async (value: string) => {
    const resources = [
      { resourceType: 4, resourceName: '', configs: [{ name: 'max.connections', configOperation: 0, value }] },
    ];
    const { responses } = await connection.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    return responses[0]!.errorCode;
  };
  expect(await alter('1')).toBe(ERROR.NONE);
  expect(await (await broker.connect()).closes(1_000)).toBe(true);
  expect(await alter('2')).toBe(ERROR.NONE);
  expect(await (await broker.connect()).closes(1_000)).toBe(false);
});

test('the rack of the broker is told with it, and a topic gets as many replicas as the config says', async () => {
  const configs = { 'broker.rack': 'r1', 'default.replication.factor': '2' };
  const client = await (await startTestBroker({ config: { configs } })).connect();
  const { brokers } = await client.request(Metadata, 12, { topics: [] });
  expect(brokers.map(({ rack }) => rack)).toEqual(['r1']);
  const topic = { name: 'orders', numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] };
  const created = await client.request(CreateTopics, 7, { topics: [topic], timeoutMs: 1_000 });
  expect(created.topics[0]!.errorCode).toBe(ERROR.INVALID_REPLICATION_FACTOR);
});

test('where topics may not be deleted, none is', async () => {
  const broker = await startTestBroker({ config: { configs: { 'delete.topic.enable': 'FALSE' } } });
  const { name, topicId } = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const byName = await client.request(DeleteTopics, 5, { topicNames: [name], timeoutMs: 1_000 });
  const byId = await client.request(DeleteTopics, 6, { topics: [{ name: null, topicId }], timeoutMs: 1_000 });
  const old = await client.request(DeleteTopics, 2, { topicNames: [name], timeoutMs: 1_000 });
  expect([byName, byId, old].map(({ responses }) => responses.map(({ errorCode }) => errorCode))).toEqual([
    [ERROR.TOPIC_DELETION_DISABLED],
    [ERROR.TOPIC_DELETION_DISABLED],
    [ERROR.INVALID_REQUEST],
  ]);
  expect((await client.request(Metadata, 12, { topics: [{ name }] })).topics[0]!.errorCode).toBe(ERROR.NONE);
});

test('with flush.messages 1 what is acknowledged survives a loss of power, as with meridian.durability fsync', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const broker = await startTestBroker({ seed });
    const topic = await createTopic(broker, 'orders', { 'flush.messages': '1' });
    const client = await broker.connect();
    const answer = await client.request(Produce, 9, produceOf(topic.name, batchOf(['kept'])));
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
    broker.node.powerLoss();
    await broker.restart();
    const { records } = await fetchOne(await broker.connect(), topic, { fetchOffset: 0, maxWaitMs: 1 });
    expect(valuesOf(records)).toEqual(['kept']);
  }
});

/** Metadata, coordinators and versions: what a client learns before it does anything. */
import { ApiVersions, ERROR, FindCoordinator, Metadata, Produce, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';

const byName = (...names: string[]) => names.map((name) => ({ name, topicId: ZERO_UUID }));

test('asking for a topic by name creates it, and it can be written to at once', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  const { topics } = await client.request(Metadata, 12, { topics: byName('fresh') });
  expect(topics[0]).toMatchObject({ errorCode: ERROR.NONE, name: 'fresh', isInternal: false });
  expect(topics[0]!.partitions.map(({ leaderId, isrNodes }) => [leaderId, isrNodes])).toEqual([
    [1, [1]],
    [1, [1]],
  ]);
  const answer = await client.request(Produce, 9, produceOf('fresh', batchOf(['a']), { index: 1 }));
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
});

test('many clients that ask for the same new topic at once all get the same one', async () => {
  const broker = await startTestBroker();
  const clients = [await broker.connect(), await broker.connect(), await broker.connect()];
  for (const client of clients) client.send(Metadata, 12, { topics: byName('fresh', 'fresh') });
  const ids = new Set<string>();
  for (const client of clients) {
    const { topics } = await client.receive(Metadata, 12);
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([ERROR.NONE]);
    ids.add(topics[0]!.topicId);
  }
  expect(ids.size).toBe(1);
});

test('nothing is created where the client, the config or the name forbids it', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  const codes = async (allowAutoTopicCreation: boolean, ...names: string[]) =>
    (await client.request(Metadata, 12, { topics: byName(...names), allowAutoTopicCreation })).topics.map(
      ({ errorCode }) => errorCode,
    );
  expect(await codes(false, 'fresh', 'not/a/name')).toEqual([
    ERROR.UNKNOWN_TOPIC_OR_PARTITION,
    ERROR.INVALID_TOPIC_EXCEPTION,
  ]);
  expect(await codes(true, 'not/a/name', 'x'.repeat(250), 'eu-west.orders')).toEqual([
    ERROR.INVALID_TOPIC_EXCEPTION,
    ERROR.INVALID_TOPIC_EXCEPTION,
    ERROR.INVALID_TOPIC_EXCEPTION,
  ]);
  expect((await client.request(Metadata, 12, { topics: null })).topics).toEqual([]);
  const closed = await startTestBroker({ config: { autoCreateTopics: false } });
  const { topics } = await (await closed.connect()).request(Metadata, 12, { topics: byName('fresh') });
  expect(topics[0]!.errorCode).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});

test('an unknown id is not answered with anything else', async () => {
  const broker = await startTestBroker();
  const { topicId } = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const other = '00000000-0000-4000-8000-000000000001';
  const asked = [topicId, other].map((id) => ({ name: null, topicId: id }));
  const { topics } = await client.request(Metadata, 12, { topics: asked });
  expect(topics.map(({ errorCode, name }) => [errorCode, name])).toEqual([
    [ERROR.NONE, 'orders'],
    [ERROR.UNKNOWN_TOPIC_ID, null],
  ]);
});

test('all topics are listed for null, and in version 0 for an empty list', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const client = await broker.connect();
  const names = async (version: number, topics: [] | null) =>
    (await client.request(Metadata, version, { topics })).topics.map(({ name }) => name);
  expect([await names(12, null), await names(12, []), await names(0, [])]).toEqual([['orders'], [], ['orders']]);
});

test('the coordinator of everything is this broker, one key or many at a time', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  const one = await client.request(FindCoordinator, 2, { key: 'group', keyType: 0 });
  expect(one).toMatchObject({ errorCode: ERROR.NONE, nodeId: 1, host: 'broker', port: 9092 });
  const many = await client.request(FindCoordinator, 6, { keyType: 1, coordinatorKeys: ['a', 'b'] });
  expect(many.coordinators.map(({ key, port }) => [key, port])).toEqual([
    ['a', 9092],
    ['b', 9092],
  ]);
  const odd = await client.request(FindCoordinator, 6, { keyType: 9, coordinatorKeys: ['a'] });
  expect(odd.coordinators[0]!.errorCode).toBe(ERROR.INVALID_REQUEST);
});

test('a client software name that is no name is refused', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  const answer = await client.request(ApiVersions, 3, { clientSoftwareName: 'a\r\nb', clientSoftwareVersion: '1' });
  expect(answer.errorCode).toBe(ERROR.INVALID_REQUEST);
  const { apiKeys } = await client.request(ApiVersions, 0, {});
  expect(apiKeys.find(({ apiKey }) => apiKey === Produce.key)).toMatchObject({ minVersion: 0, maxVersion: 13 });
});

test('one id makes a request go by ids alone', async () => {
  const broker = await startTestBroker();
  const { topicId } = await createTopic(broker, 'orders');
  await createTopic(broker, 'other');
  const client = await broker.connect();
  const asked = [...byName('other', 'fresh'), { name: 'whatever', topicId }, { name: null, topicId }];
  const { topics } = await client.request(Metadata, 12, { topics: asked });
  expect(topics.map(({ name }) => name)).toEqual(['orders']);
  expect((await client.request(Metadata, 12, { topics: null })).topics.map(({ name }) => name)).toEqual([
    'orders',
    'other',
  ]);
});

test('ids before their time, and topics with neither name nor id, spoil the whole request', async () => {
  const broker = await startTestBroker();
  const { topicId } = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const early = await client.request(Metadata, 10, { topics: [{ name: 'orders', topicId }] });
  expect([early.brokers, early.controllerId, early.topics.map(({ errorCode }) => errorCode)]).toEqual([
    [],
    -1,
    [ERROR.INVALID_REQUEST],
  ]);
  const nameless = [...byName('orders'), { name: null, topicId: ZERO_UUID }];
  const { topics } = await client.request(Metadata, 12, { topics: nameless });
  expect(topics.map(({ errorCode }) => errorCode)).toEqual([ERROR.UNKNOWN_SERVER_ERROR, ERROR.UNKNOWN_SERVER_ERROR]);
  expect((await client.request(Metadata, 13, { topics: nameless })).errorCode).toBe(ERROR.UNKNOWN_SERVER_ERROR);
});

test('what may be done is told where it was asked for, of topics that do not exist, too', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const client = await broker.connect();
  const told = async (includeTopicAuthorizedOperations: boolean) => {
    const request = {
      topics: byName('orders', 'absent'),
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations,
    };
    const { topics } = await client.request(Metadata, 12, request);
    return topics.map(({ topicAuthorizedOperations }) => topicAuthorizedOperations);
  };
  expect(await told(true)).toEqual([3576, 3576]);
  expect(await told(false)).toEqual([-2147483648, -2147483648]);
});

test('a name that is only too like another topic’s is not told to be invalid', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'a.b');
  const client = await broker.connect();
  const { topics } = await client.request(Metadata, 12, { topics: byName('a_b') });
  expect(topics[0]!.errorCode).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});

/** A connection's manners: order, pipelining, back-pressure, and what ends it without harming anybody else. */
import { ApiVersions, ERROR, Fetch, Metadata, Produce, SaslHandshake } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, fetchOf, startTestBroker, type TestBroker } from '../testing/test-broker.ts';

const versions = { clientSoftwareName: 'test', clientSoftwareVersion: '1' };

function header(apiKey: number, apiVersion: number, length = 10): Buffer {
  const bytes = Buffer.alloc(4 + 10);
  bytes.writeInt32BE(length, 0);
  bytes.writeInt16BE(apiKey, 4);
  bytes.writeInt16BE(apiVersion, 6);
  bytes.writeInt32BE(1, 8);
  bytes.writeInt16BE(-1, 12);
  return bytes;
}

/** Another client is served as if nothing had happened. */
async function expectUnharmed(broker: TestBroker): Promise<void> {
  const answer = await (await broker.connect()).request(ApiVersions, 3, versions);
  expect(answer.errorCode).toBe(ERROR.NONE);
}

test('pipelined requests are answered in their order, even behind one that waits', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const ids = [client.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 300 }))];
  for (let index = 0; index < 10; index++) ids.push(client.send(ApiVersions, 3, versions));
  expect((await client.receive(Fetch, 12)).correlationId).toBe(ids[0]);
  for (const id of ids.slice(1)) expect((await client.receive(ApiVersions, 3)).correlationId).toBe(id);
});

test('more requests than may be in work wait their turn, and all are answered', async () => {
  const broker = await startTestBroker({ limits: { maxInFlightPerConnection: 3, maxQueuedAnswerBytes: 300_000 } });
  await createTopic(broker, 'orders');
  const client = await broker.connect();
  for (let index = 0; index < 300; index++) client.send(Produce, 9, produceOf('orders', batchOf([`${index}`])));
  const offsets: number[] = [];
  for (let index = 0; index < 300; index++) {
    offsets.push((await client.receive(Produce, 9)).responses[0]!.partitionResponses[0]!.baseOffset);
  }
  expect(offsets).toEqual(offsets.map((_, index) => index));
});

test('an ApiVersions of a version too new is answered in version 0 with error 35', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  client.sendBytes(header(ApiVersions.key, 99));
  const answer = await client.receive(ApiVersions, 0);
  expect(answer.errorCode).toBe(ERROR.UNSUPPORTED_VERSION);
  expect(answer.apiKeys).toEqual([{ apiKey: 18, minVersion: 0, maxVersion: 4 }]);
  expect((await client.request(ApiVersions, 4, versions)).errorCode).toBe(ERROR.NONE);
});

test.each([
  ['an unknown api', header(999, 0)],
  ['a negative api', header(-1, 0)],
  ['a version that nobody speaks', header(Metadata.key, 32_767)],
  ['a negative version', header(Metadata.key, -1)],
  ['a length of zero', Buffer.from([0, 0, 0, 0])],
  ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a length of 2^31-1', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0])],
  ['a body that ends early', header(Metadata.key, 9)],
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: broker\r\n\r\n')],
  ['random bytes', Buffer.from('9f3a77c01b5e88d2', 'hex')],
])('%s closes the connection and nobody else notices', async (_what, bytes) => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  client.sendBytes(bytes);
  expect(await client.closes(1_000)).toBe(true);
  await expectUnharmed(broker);
  expect(broker.problems).toHaveLength(1);
});

test('a frame that stops in the middle is given up after a while, an idle connection much later', async () => {
  const broker = await startTestBroker({
    limits: { stalledConnectionMs: 5_000, idleConnectionMs: 60_000, sweepIntervalMs: 1_000 },
  });
  const [stuck, idle] = [await broker.connect(), await broker.connect()];
  stuck.sendBytes(Buffer.from([0, 0, 1, 0, 0, 3]));
  expect(await stuck.closes(10_000)).toBe(true);
  expect(idle.closed).toBe(false);
  expect(await idle.closes(70_000)).toBe(true);
});

test('a client that does not read its answers is closed, and costs a bounded amount of memory', async () => {
  const limits = { maxQueuedAnswerBytes: 300_000, stalledConnectionMs: 5_000, sweepIntervalMs: 1_000 };
  const broker = await startTestBroker({ limits });
  const topic = await createTopic(broker, 'orders');
  const producer = await broker.connect();
  await producer.request(Produce, 9, produceOf('orders', batchOf(['x'.repeat(200_000)])));
  const deaf = await broker.connect();
  deaf.socket.pause();
  for (let index = 0; index < 50; index++) deaf.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0 }));
  await broker.world.run(broker.world.now() + 20_000);
  deaf.socket.resume();
  expect(await deaf.closes()).toBe(true);
  expect(deaf.frames.length).toBeLessThan(10);
  await expectUnharmed(broker);
});

test('requests that do not fit into memory together wait for their turn, and all are served', async () => {
  const broker = await startTestBroker({ limits: { maxRequestBytes: 500_000 } });
  await createTopic(broker, 'orders');
  const clients = [];
  for (let index = 0; index < 12; index++) clients.push(await broker.connect());
  const batch = batchOf(['x'.repeat(900_000)]);
  for (const client of clients) client.send(Produce, 9, produceOf('orders', batch));
  for (const client of clients) {
    const answer = await client.receive(Produce, 9);
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  }
});

test('who is slow while memory is short loses its turn, and the others are served', async () => {
  const limits = { maxRequestBytes: 400_000, stalledConnectionMs: 5_000, sweepIntervalMs: 1_000 };
  const broker = await startTestBroker({ limits });
  await createTopic(broker, 'orders');
  const [slow, quick] = [await broker.connect(), await broker.connect()];
  slow.sendBytes(header(Produce.key, 9, 5_000_000));
  const drip = async () => {
    for (let i = 0; i < 30 && !slow.closed; i++) {
      slow.sendBytes(Buffer.alloc(i === 0 ? 400_000 : 10));
      await broker.world.run(broker.world.now() + 1_000);
    }
  };
  quick.send(Produce, 9, produceOf('orders', batchOf(['x'.repeat(900_000)])));
  await drip();
  const answer = await quick.receive(Produce, 9);
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  expect(slow.closed).toBe(true);
});

test('only requests with records may be long', async () => {
  const broker = await startTestBroker({ limits: { maxFrameBytesWithoutRecords: 100_000 } });
  const [metadata, produce] = [await broker.connect(), await broker.connect()];
  metadata.sendBytes(Buffer.concat([header(Metadata.key, 9, 200_000), Buffer.alloc(50_000)]));
  produce.sendBytes(Buffer.concat([header(Produce.key, 9, 200_000), Buffer.alloc(50_000)]));
  expect(await metadata.closes(1_000)).toBe(true);
  expect(produce.closed).toBe(false);
});

test('a connection too many is closed at once', async () => {
  const broker = await startTestBroker({ limits: { maxConnections: 2 } });
  const [first, , third] = [await broker.connect(), await broker.connect(), await broker.connect()];
  expect(await third!.closes(1_000)).toBe(true);
  first!.socket.destroy();
  await broker.world.run(broker.world.now() + 100);
  await expectUnharmed(broker);
});

test('a stop answers what is in work, long polls at once, and leaves no connection open', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders', { 'meridian.durability': 'fsync' });
  broker.node.setSyncLatency([50, 50]);
  const [consumer, producer, idle] = [await broker.connect(), await broker.connect(), await broker.connect()];
  consumer.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 60_000 }));
  producer.send(Produce, 9, produceOf('orders', batchOf(['a']), { index: 1 }));
  await broker.world.run(broker.world.now() + 10);
  const startMs = broker.world.now();
  await broker.world.settle(broker.broker.stop());
  expect(broker.world.now() - startMs).toBeLessThan(1_000);
  expect((await consumer.receive(Fetch, 12)).errorCode).toBe(ERROR.NONE);
  expect((await producer.receive(Produce, 9)).responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  for (const client of [consumer, producer, idle]) expect(await client.closes(1_000)).toBe(true);
});

test('a client that goes away in the middle of a long poll leaves nothing behind', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  client.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 60_000 }));
  await broker.world.run(broker.world.now() + 10);
  client.socket.destroy();
  await broker.world.run(broker.world.now() + 10);
  const producer = await broker.connect();
  const answer = await producer.request(Produce, 9, produceOf('orders', batchOf(['a'])));
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  expect(broker.problems).toEqual([]);
});

test('SASL on the client listener is answered as on a plaintext listener of Apache Kafka', async () => {
  const broker = await startTestBroker();
  const answer = await (await broker.connect()).request(SaslHandshake, 1, { mechanism: 'PLAIN' });
  expect(answer.errorCode).toBe(ERROR.ILLEGAL_SASL_STATE);
});

/** Producing to a whole broker: what is acknowledged, with which offsets, and what is refused. */
import { CreateTopics, ERROR, Produce as PRODUCE, type Produce, type ResponseOf } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker } from '../testing/test-broker.ts';

const first = (response: ResponseOf<typeof Produce>) => response.responses[0]!.partitionResponses[0]!;

test('records come back in order at the offsets that were acknowledged, for acks 1 and all', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  for (const [acks, offset] of [
    [1, 0],
    [-1, 2],
  ] as const) {
    const answer = first(await client.request(PRODUCE, 9, produceOf('orders', batchOf(['a', 'b']), { acks })));
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: offset, logStartOffset: 0, logAppendTimeMs: -1 });
  }
  expect(valuesOf((await fetchOne(client, topic, { fetchOffset: 0 })).records)).toEqual(['a', 'b', 'a', 'b']);
});

test('from version 13 on a topic goes by its id', async () => {
  const broker = await startTestBroker();
  const { topicId } = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const byId = (id: string) => {
    const request = produceOf('', batchOf(['a']));
    return { ...request, topicData: request.topicData.map((topic) => ({ ...topic, topicId: id })) };
  };
  expect(first(await client.request(PRODUCE, 13, byId(topicId))).errorCode).toBe(ERROR.NONE);
  const unknown = byId('00000000-0000-4000-8000-000000000001');
  expect(first(await client.request(PRODUCE, 13, unknown)).errorCode).toBe(ERROR.UNKNOWN_TOPIC_ID);
});

test('unknown topics, unknown partitions and impossible acks have their codes', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const client = await broker.connect();
  const code = async (...request: Parameters<typeof produceOf>) =>
    first(await client.request(PRODUCE, 9, produceOf(...request))).errorCode;
  expect(await code('nothing', batchOf(['a']))).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code('orders', batchOf(['a']), { index: 7 })).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code('orders', batchOf(['a']), { index: -1 })).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  expect(await code('orders', batchOf(['a']), { acks: 2 })).toBe(ERROR.INVALID_REQUIRED_ACKS);
  expect(await code('orders', null)).toBe(ERROR.INVALID_RECORD);
});

test('a batch that comes again is answered with its first offset, a gap or an old epoch is refused', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  const produce = async (baseSequence: number, producerEpoch = 0) => {
    const batch = batchOf(['x'], { producerId: 9, producerEpoch, baseSequence });
    const { errorCode, baseOffset } = first(await client.request(PRODUCE, 9, produceOf('orders', batch)));
    return [errorCode, baseOffset];
  };
  for (let sequence = 0; sequence < 6; sequence++) expect(await produce(sequence)).toEqual([ERROR.NONE, sequence]);
  expect(await produce(1)).toEqual([ERROR.NONE, 1]);
  expect(await produce(5)).toEqual([ERROR.NONE, 5]);
  expect(await produce(9)).toEqual([ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, -1]);
  expect(await produce(0, 1)).toEqual([ERROR.NONE, 6]);
  expect(await produce(6, 0)).toEqual([ERROR.INVALID_PRODUCER_EPOCH, -1]);
  expect((await fetchOne(client, topic, { fetchOffset: 0 })).highWatermark).toBe(7);
});

test('acks=0 has no answer, and ends the connection if it was refused', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  client.send(PRODUCE, 9, produceOf('orders', batchOf(['a']), { acks: 0 }));
  expect((await fetchOne(client, topic, { fetchOffset: 0, maxWaitMs: 100 })).highWatermark).toBe(1);
  client.send(PRODUCE, 9, produceOf('nothing', batchOf(['a']), { acks: 0 }));
  expect(await client.closes()).toBe(true);
});

test('with durability fsync nothing acknowledged is lost to a power loss', async () => {
  const broker = await startTestBroker({ seed: 7 });
  broker.node.setSyncLatency([5, 20]);
  const topic = await createTopic(broker, 'orders', { 'meridian.durability': 'fsync' });
  const client = await broker.connect();
  for (let index = 0; index < 20; index++) {
    expect(
      first(await client.request(PRODUCE, 9, produceOf('orders', batchOf([`${index}`]), { acks: 1 }))).errorCode,
    ).toBe(0);
  }
  client.send(PRODUCE, 9, produceOf('orders', batchOf(['never acknowledged'])));
  broker.node.powerLoss();
  await broker.restart();
  const values = valuesOf((await fetchOne(await broker.connect(), topic, { fetchOffset: 0 })).records);
  expect(values.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}`));
});

test('a producer that waits for a disk that does not come back is told so in time', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders', { 'meridian.durability': 'fsync' });
  broker.node.setSyncLatency([60_000, 60_000]);
  const client = await broker.connect();
  const answer = await client.request(PRODUCE, 9, produceOf('orders', batchOf(['a']), { timeoutMs: 500 }));
  expect(first(answer).errorCode).toBe(ERROR.REQUEST_TIMED_OUT);
});

test('a failed write takes its partition offline and no other', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const client = await broker.connect();
  broker.node.failNextWrite();
  const code = async (index: number) =>
    first(await client.request(PRODUCE, 9, produceOf('orders', batchOf(['a']), { index }))).errorCode;
  expect(await code(0)).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(await code(0)).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(await code(1)).toBe(ERROR.NONE);
  broker.node.kill();
  await broker.restart();
  const again = await broker.connect();
  expect(first(await again.request(PRODUCE, 9, produceOf('orders', batchOf(['a'])))).errorCode).toBe(ERROR.NONE);
});

test('LogAppendTime stamps the batch, and the answer says when', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders', { 'message.timestamp.type': 'LogAppendTime' });
  const client = await broker.connect();
  const { logAppendTimeMs } = first(await client.request(PRODUCE, 9, produceOf('orders', batchOf(['a']))));
  expect(logAppendTimeMs).toBeGreaterThan(0);
  const [records] = (await fetchOne(client, topic, { fetchOffset: 0 })).records!;
  expect(records!.readBigInt64BE(35)).toBe(BigInt(logAppendTimeMs));
});

test('peers are told in which epoch a batch was stored and whether that was earlier, also after a restart; clients are not', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const batch = () => batchOf(['x'], { producerId: 9, producerEpoch: 0, baseSequence: 0 });
  const peer = await broker.connectInternal();
  const stored = first(await peer.request(PRODUCE, 9, produceOf('orders', batch())));
  expect(stored).toMatchObject({ errorCode: 0, baseOffset: 0, duplicate: false });
  expect(stored.storedEpoch).toBeGreaterThanOrEqual(0);
  broker.node.kill();
  await broker.restart();
  const again = await broker.connectInternal();
  const { baseOffset, storedEpoch, duplicate } = first(await again.request(PRODUCE, 9, produceOf('orders', batch())));
  expect({ baseOffset, storedEpoch, duplicate }).toEqual({
    baseOffset: 0,
    storedEpoch: stored.storedEpoch,
    duplicate: true,
  });
  const next = batchOf(['y'], { producerId: 9, producerEpoch: 0, baseSequence: 1 });
  expect(first(await again.request(PRODUCE, 9, produceOf('orders', next))).storedEpoch).toBe(stored.storedEpoch + 1);
  const client = await broker.connect();
  expect(first(await client.request(PRODUCE, 9, produceOf('orders', batch())))).toMatchObject({
    storedEpoch: -1,
    duplicate: false,
  });
});

test('min.insync.replicas asks for no more replicas than there are', async () => {
  const broker = await startTestBroker();
  const topic = { name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [] };
  const configs = [{ name: 'min.insync.replicas', value: '2' }];
  const client = await broker.connect();
  const made = await client.request(CreateTopics, 7, { topics: [{ ...topic, configs }], timeoutMs: 1_000 });
  expect(made.topics[0]!.errorCode).toBe(ERROR.NONE);
  const answer = await client.request(PRODUCE, 9, produceOf('orders', batchOf(['a']), { acks: -1 }));
  expect(first(answer).errorCode).toBe(ERROR.NONE);
});

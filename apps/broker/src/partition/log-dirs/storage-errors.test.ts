/** A disk that fails under one partition, or is full: a whole broker on one log dir. */
import { ERROR, Fetch, IncrementalAlterConfigs, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../../testing/batches.ts';
import { createTopic, fetchOf, startTestBroker, type TestBroker, type TestTopic } from '../../testing/test-broker.ts';

async function produce(broker: TestBroker, topic: TestTopic, index: number, value: string): Promise<number> {
  const client = await broker.connect();
  const answer = await client.request(Produce, 9, produceOf(topic.name, batchOf([value]), { index }));
  return answer.responses[0]!.partitionResponses[0]!.errorCode;
}

async function fetch(broker: TestBroker, topic: TestTopic, index: number): Promise<string[] | number> {
  const client = await broker.connect();
  const answer = await client.request(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 1 }, [index]));
  const { errorCode, records } = answer.responses[0]!.partitions[0]!;
  return errorCode === ERROR.NONE ? valuesOf(records) : errorCode;
}

async function withRecords(configs: Readonly<Record<string, string>> = {}) {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders', configs);
  for (const index of [0, 1]) expect(await produce(broker, topic, index, 'first')).toBe(ERROR.NONE);
  return { broker, topic };
}

test.each([
  ['write', {}, (broker: TestBroker) => broker.node.failNextWrite()],
  ['fsync', { 'meridian.durability': 'fsync' }, (broker: TestBroker) => broker.node.failNextSync()],
])(
  'after a failed %s the partition is offline, the others go on, and a restart brings it back',
  async (_, configs, fail) => {
    const { broker, topic } = await withRecords(configs);
    fail(broker);
    expect(await produce(broker, topic, 0, 'lost')).toBe(ERROR.KAFKA_STORAGE_ERROR);
    expect([await produce(broker, topic, 0, 'refused'), await fetch(broker, topic, 0)]).toEqual([
      ERROR.KAFKA_STORAGE_ERROR,
      ERROR.KAFKA_STORAGE_ERROR,
    ]);
    expect(await produce(broker, topic, 1, 'second')).toBe(ERROR.NONE);
    expect(broker.fatal).toEqual([]);
    await broker.world.settle(broker.broker.stop());
    await broker.restart();
    expect(await produce(broker, topic, 0, 'third')).toBe(ERROR.NONE);
    const values = (await fetch(broker, topic, 0)) as string[];
    expect(values.filter((value) => value !== 'lost')).toEqual(['first', 'third']);
    expect(await fetch(broker, topic, 1)).toEqual(['first', 'second']);
  },
);

test('a topic with a partition that is offline takes new configs', async () => {
  const { broker, topic } = await withRecords({ 'meridian.durability': 'fsync' });
  broker.node.failNextSync();
  expect(await produce(broker, topic, 0, 'lost')).toBe(ERROR.KAFKA_STORAGE_ERROR);
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000000' }];
  const client = await broker.connect();
  const asked = { resources: [{ resourceType: 2, resourceName: topic.name, configs }], validateOnly: false };
  const { responses } = await client.request(IncrementalAlterConfigs, 1, asked);
  expect([responses[0]!.errorCode, broker.fatal]).toEqual([ERROR.NONE, []]);
  expect(await produce(broker, topic, 1, 'second')).toBe(ERROR.NONE);
});

test('a partition whose records cannot be read answers so, and the others go on', async () => {
  const { broker, topic } = await withRecords();
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  broker.node.failNextRead();
  expect(await fetch(broker, topic, 0)).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(await fetch(broker, topic, 1)).toEqual(['first']);
  expect(await produce(broker, topic, 1, 'second')).toBe(ERROR.NONE);
  broker.node.kill();
  await broker.restart();
  expect(await fetch(broker, topic, 0)).toEqual(['first']);
});

test('a full disk refuses records and keeps what it has; with room again, a restart takes them', async () => {
  const { broker, topic } = await withRecords();
  broker.node.setFull(true);
  expect(await produce(broker, topic, 0, 'lost')).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(await fetch(broker, topic, 1)).toEqual(['first']);
  expect(await produce(broker, topic, 1, 'lost')).toBe(ERROR.KAFKA_STORAGE_ERROR);
  expect(broker.fatal).toEqual([]);
  broker.node.setFull(false);
  broker.node.kill();
  await broker.restart();
  for (const index of [0, 1]) {
    expect(await produce(broker, topic, index, 'second')).toBe(ERROR.NONE);
    const values = (await fetch(broker, topic, index)) as string[];
    expect(values.filter((value) => value !== 'lost')).toEqual(['first', 'second']);
  }
});

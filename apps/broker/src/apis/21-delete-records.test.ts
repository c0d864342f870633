/** DeleteRecords over the network, each version. */
import { DeleteRecords, errorName, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker, type TestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';

type Ask = readonly [partitionIndex: number, offset: number];

async function remove(connection: TestConnection, name: string, asks: readonly Ask[], version = 2) {
  const partitions = asks.map(([partitionIndex, offset]) => ({ partitionIndex, offset }));
  const request = { topics: [{ name, partitions }], timeoutMs: 1_000 };
  const { topics } = await connection.request(DeleteRecords, version, request);
  return topics.flatMap((topic) =>
    topic.partitions.map((each) => [each.partitionIndex, errorName(each.errorCode), each.lowWatermark]),
  );
}

async function withRecords(broker: TestBroker, configs: Readonly<Record<string, string>> = {}) {
  const topic = await createTopic(broker, 'orders', configs);
  const connection = await broker.connect();
  for (const value of ['a', 'b', 'c']) await connection.request(Produce, 12, produceOf('orders', batchOf([value])));
  return { topic, connection };
}

test.each([0, 1, 2])('v%i moves the start of the log forward, never back', async (version) => {
  const broker = await startTestBroker();
  const { topic, connection } = await withRecords(broker);
  expect(await remove(connection, 'orders', [[0, 2]], version)).toEqual([[0, 'NONE', 2]]);
  expect(await remove(connection, 'orders', [[0, 1]], version)).toEqual([[0, 'NONE', 2]]);
  expect(errorName((await fetchOne(connection, topic, { fetchOffset: 1 })).errorCode)).toBe('OFFSET_OUT_OF_RANGE');
  const { logStartOffset } = await fetchOne(connection, topic, { fetchOffset: 2 });
  expect(logStartOffset).toBe(2);
  expect(await remove(connection, 'orders', [[0, -1]], version)).toEqual([[0, 'NONE', 3]]);
});

test('what lies beyond the high watermark, or is no offset, is out of range', async () => {
  const { connection } = await withRecords(await startTestBroker());
  expect(await remove(connection, 'orders', [[0, 4]])).toEqual([[0, 'OFFSET_OUT_OF_RANGE', -1]]);
  expect(await remove(connection, 'orders', [[0, -2]])).toEqual([[0, 'OFFSET_OUT_OF_RANGE', -1]]);
});

test('partitions that are not here are told, and one named twice is answered once', async () => {
  const { connection } = await withRecords(await startTestBroker());
  expect(await remove(connection, 'absent', [[0, 0]])).toEqual([[0, 'UNKNOWN_TOPIC_OR_PARTITION', -1]]);
  const twice: Ask[] = [
    [0, 5],
    [0, 1],
    [7, 0],
  ];
  expect(await remove(connection, 'orders', twice)).toEqual([
    [0, 'NONE', 1],
    [7, 'UNKNOWN_TOPIC_OR_PARTITION', -1],
  ]);
});

test('a topic that is only compacted keeps its records, one that is both does not', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'keys', { 'cleanup.policy': 'compact' });
  await createTopic(broker, 'both', { 'cleanup.policy': 'compact,delete' });
  const connection = await broker.connect();
  expect(await remove(connection, 'keys', [[0, 0]])).toEqual([[0, 'POLICY_VIOLATION', -1]]);
  expect(await remove(connection, 'both', [[0, 0]])).toEqual([[0, 'NONE', 0]]);
});

test('the start of a copy is its origin’s: clients cannot move it', async () => {
  const broker = await startTestBroker();
  const origin = {
    'meridian.origin.region': 'eu-west',
    'meridian.origin.topic.id': 'x',
    'meridian.origin.incarnation': '1',
  };
  await createTopic(broker, 'eu-west.orders', origin);
  expect(await remove(await broker.connect(), 'eu-west.orders', [[0, 0]])).toEqual([[0, 'POLICY_VIOLATION', -1]]);
  expect(await remove(await broker.connectInternal(), 'eu-west.orders', [[0, 0]])).toEqual([[0, 'NONE', 0]]);
});

/** DescribeLogDirs and DescribeProducers over the network: what a partition's log says of itself. */
import { DescribeLogDirs, DescribeProducers, errorName, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';

test.each([1, 2, 3, 4, 5])('DescribeLogDirs v%i tells the folder and the sizes in it', async (version) => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const batch = batchOf(['a']);
  await connection.request(Produce, 12, produceOf('orders', batch));
  const { results } = await connection.request(DescribeLogDirs, version, { topics: null });
  expect(results.map(({ errorCode, logDir }) => [errorCode, logDir])).toEqual([[0, '/data']]);
  const partitions = results[0]!.topics.find(({ name }) => name === 'orders')!.partitions;
  expect(partitions.map(({ partitionIndex, partitionSize }) => [partitionIndex, partitionSize])).toEqual([
    [0, batch.length],
    [1, 0],
  ]);
  if (version < 4) return;
  const { totalBytes, usableBytes } = results[0]!;
  expect(totalBytes).toBeGreaterThan(usableBytes);
  expect(usableBytes).toBeGreaterThan(0);
});

test('what is asked for and is not here is left out of the answer', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const topics = [
    { topic: 'orders', partitions: [1, 1, 9] },
    { topic: 'absent', partitions: [0] },
  ];
  const some = await connection.request(DescribeLogDirs, 4, { topics });
  const told = some.results[0]!.topics.map(({ name, partitions }) => [
    name,
    partitions.map((each) => each.partitionIndex),
  ]);
  expect(told).toEqual([['orders', [1]]]);
  expect((await connection.request(DescribeLogDirs, 4, { topics: [] })).results[0]!.topics).toEqual([]);
});

test('DescribeProducers tells who has written, with the last sequence', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const connection = await broker.connect();
  const batch = batchOf(['a', 'b'], { producerId: 7, producerEpoch: 3, baseSequence: 0 });
  await connection.request(Produce, 12, produceOf('orders', batch));
  const topics = [
    { name: 'orders', partitionIndexes: [0, 1, 9] },
    { name: 'absent', partitionIndexes: [0] },
    { name: 'no name', partitionIndexes: [0] },
  ];
  const answer = await connection.request(DescribeProducers, 0, { topics });
  const told = answer.topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorName(errorCode)));
  expect(told).toEqual([
    ['NONE', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['UNKNOWN_TOPIC_OR_PARTITION'],
    ['INVALID_TOPIC_EXCEPTION'],
  ]);
  const [written, silent] = answer.topics[0]!.partitions;
  expect(silent!.activeProducers).toEqual([]);
  expect(written!.activeProducers).toEqual([
    {
      producerId: 7,
      producerEpoch: 3,
      lastSequence: 1,
      lastTimestamp: Date.UTC(2026, 0, 1),
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    },
  ]);
});

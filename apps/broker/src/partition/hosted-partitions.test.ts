/** Partitions follow the metadata image: through growth, deletion, restarts and disks that fail. */
import { CreatePartitions, CreateTopics, ERROR, Metadata, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, deleteTopic, fetchOne, startTestBroker, type TestBroker } from '../testing/test-broker.ts';

async function produce(broker: TestBroker, topic: string, value: string, index = 0) {
  const client = await broker.connect();
  const answer = await client.request(Produce, 9, produceOf(topic, batchOf([value]), { index }));
  const { errorCode, baseOffset } = answer.responses[0]!.partitionResponses[0]!;
  return [errorCode, baseOffset];
}

test('added partitions serve at once', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  expect(await produce(broker, 'orders', 'a', 4)).toEqual([ERROR.UNKNOWN_TOPIC_OR_PARTITION, -1]);
  const client = await broker.connect();
  const topics = [{ name: 'orders', count: 5, assignments: null }];
  const { results } = await client.request(CreatePartitions, 3, { topics, timeoutMs: 1_000, validateOnly: false });
  expect(results[0]!.errorCode).toBe(ERROR.NONE);
  expect(await produce(broker, 'orders', 'a', 4)).toEqual([ERROR.NONE, 0]);
});

test('a topic that is deleted and made again under its name begins anew', async () => {
  const broker = await startTestBroker();
  const old = await createTopic(broker, 'orders');
  expect(await produce(broker, 'orders', 'old')).toEqual([ERROR.NONE, 0]);
  await deleteTopic(broker, 'orders');
  expect(await produce(broker, 'orders', 'between')).toEqual([ERROR.UNKNOWN_TOPIC_OR_PARTITION, -1]);
  const topic = await createTopic(broker, 'orders');
  expect(topic.topicId).not.toBe(old.topicId);
  expect(await produce(broker, 'orders', 'new')).toEqual([ERROR.NONE, 0]);
  broker.node.kill();
  await broker.restart();
  const fetched = await fetchOne(await broker.connect(), topic, { fetchOffset: 0, maxWaitMs: 1 });
  expect(valuesOf(fetched.records)).toEqual(['new']);
});

test('what was acknowledged is there after a kill and after a stop, under a new leader epoch', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const epoch = async () => {
    const { topics } = await (await broker.connect()).request(Metadata, 12, { topics: null });
    return topics[0]!.partitions[0]!.leaderEpoch;
  };
  const epochs = [await epoch()];
  for (let round = 0; round < 4; round++) {
    expect(await produce(broker, 'orders', `${round}`)).toEqual([ERROR.NONE, round]);
    if (round % 2 === 0) broker.node.kill();
    else await broker.world.settle(broker.broker.stop());
    await broker.restart();
    epochs.push(await epoch());
  }
  expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
  const fetched = await fetchOne(await broker.connect(), topic, { fetchOffset: 0 });
  expect(valuesOf(fetched.records)).toEqual(['0', '1', '2', '3']);
});

test('a folder of an earlier topic of the same name is set aside, not written to and not removed', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  await produce(broker, 'orders', 'mine');
  await broker.world.settle(broker.broker.stop());
  const io = broker.node.boot();
  io.disk.rename('/data/orders-0', '/data/invoices-0');
  await broker.restart();
  const invoices = await createTopic(broker, 'invoices');
  expect(await produce(broker, 'invoices', 'other')).toEqual([ERROR.NONE, 0]);
  const fetched = await fetchOne(await broker.connect(), invoices, { fetchOffset: 0 });
  expect(valuesOf(fetched.records)).toEqual(['other']);
  expect(broker.problems).toContain('a folder of another topic was set aside');
});

test('a partition whose log cannot be opened is offline, the others serve', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  await broker.world.settle(broker.broker.stop());
  const io = broker.node.boot();
  io.disk.replaceFile('/data/orders-0/partition.metadata', Buffer.from('version: 99\ntopic_id: x\n'));
  await broker.restart();
  expect(await produce(broker, 'orders', 'a', 0)).toEqual([ERROR.KAFKA_STORAGE_ERROR, -1]);
  expect(await produce(broker, 'orders', 'a', 1)).toEqual([ERROR.NONE, 0]);
});

const foldersOf = (broker: TestBroker, topic: string): string[] =>
  broker.io.disk.list('/data').filter((name) => name.startsWith(topic));

test('a deleted topic gives its name free at once and its files after the delay', async () => {
  const broker = await startTestBroker({ config: { configs: { 'log.segment.delete.delay.ms': '5000' } } });
  const name = 'o'.repeat(249);
  const { topicId } = await createTopic(broker, name);
  await produce(broker, name, 'a');
  await deleteTopic(broker, name);
  await createTopic(broker, name);
  const { disk } = broker.io;
  const waiting = () => disk.list('/data').filter((folder) => folder.endsWith('-delete'));
  expect(waiting()).toEqual([0, 1].map((index) => `${'o'.repeat(213)}-${index}.${topicId.replaceAll('-', '')}-delete`));
  await broker.world.run(broker.world.now() + 5_500);
  expect(waiting()).toEqual([]);
  expect(await produce(broker, name, 'new')).toEqual([ERROR.NONE, 0]);
});

test('deletion leaves no folder behind, not even one that a crash interrupted', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  await produce(broker, 'orders', 'a');
  await deleteTopic(broker, 'orders');
  broker.node.kill();
  await broker.restart();
  await broker.world.run(broker.world.now() + 61_000);
  expect(foldersOf(broker, 'orders')).toEqual([]);
});

test('a stop in the middle of a creation is a clean one, and the next start has all of it', async () => {
  const broker = await startTestBroker({ limits: { partitionTurnMs: 0 } });
  const client = await broker.connect();
  let stopped: Promise<void> | undefined;
  broker.node.onDiskChange = () => {
    if (stopped === undefined && broker.io.disk.exists('/data/wide-10')) stopped = broker.broker.stop();
  };
  const topic = { name: 'wide', numPartitions: 50, replicationFactor: 1, assignments: [], configs: [] };
  client.send(CreateTopics, 7, { topics: [topic], timeoutMs: 1_000 });
  await broker.world.run(broker.world.now() + 5_000);
  await broker.world.settle(stopped!);
  expect(broker.io.disk.exists('/data/.kafka_cleanshutdown')).toBe(true);
  await broker.restart();
  expect(await produce(broker, 'wide', 'a', 49)).toEqual([ERROR.NONE, 0]);
  await deleteTopic(broker, 'wide');
  expect(broker.io.disk.list('/data').filter((name) => /^wide-\d+$/.test(name))).toEqual([]);
  await broker.world.run(broker.world.now() + 61_000);
  expect(broker.io.disk.list('/data').filter((name) => name.startsWith('wide'))).toEqual([]);
});

/** Fetches of a session that are sent before the ones ahead of them are answered, over the network. */
import { errorName, Fetch, Produce, type RequestInput } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, startTestBroker } from '../testing/test-broker.ts';

const VERSION = 18;

async function start(listener: 'client' | 'internal' = 'internal') {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const produce = (index: number, ...values: string[]) =>
    Promise.resolve().then(async () => {
      const connection = await broker.connect();
      for (const value of values) {
        await connection.request(Produce, 12, produceOf('orders', batchOf([value]), { index }));
      }
    });
  await produce(0, 'a', 'b', 'c', 'd');
  const connection = listener === 'internal' ? await broker.connectInternal() : await broker.connect();
  const ask = (named: Readonly<Record<number, number>>, more: Partial<RequestInput<typeof Fetch>>) => {
    const partitions = Object.entries(named).map(([partition, fetchOffset]) => ({
      partition: Number(partition),
      fetchOffset,
      partitionMaxBytes: 1, // one batch
    }));
    const topics = partitions.length > 0 ? [{ topicId: topic.topicId, partitions }] : [];
    const body = { maxWaitMs: 0, minBytes: 1, maxBytes: 1_000, sessionId: 0, sessionEpoch: 0, topics, ...more };
    connection.send(Fetch, VERSION, { ...body, forgottenTopicsData: more.forgottenTopicsData ?? [] });
  };
  const answer = async () => {
    const { errorCode, sessionId, responses } = await connection.receive(Fetch, VERSION);
    const partitions = responses.flatMap((each) => each.partitions);
    const told = partitions.map((each) => `${each.partitionIndex}: ${valuesOf(each.records)}`);
    return { error: errorName(errorCode), sessionId, told };
  };
  const open = async (named: Readonly<Record<number, number>>) => {
    ask(named, {});
    return (await answer()).sessionId;
  };
  return { broker, topic, produce, connection, ask, answer, open };
}

test('requests that are sent together go on behind each other', async () => {
  const { ask, answer, open } = await start();
  const sessionId = await open({ 0: 0, 1: 0 });
  for (const sessionEpoch of [1, 2, 3, 4]) ask({}, { sessionId, sessionEpoch, readsOn: true });
  const told: string[][] = [];
  for (let count = 0; count < 4; count++) told.push((await answer()).told);
  expect(told).toEqual([['0: b'], ['0: c'], ['0: d'], []]);
});

test('what a request names goes on from there, and what it forgets is not read', async () => {
  const { ask, answer, open, topic, produce } = await start();
  await produce(1, 'x');
  const sessionId = await open({ 0: 0 });
  ask({ 0: 3, 1: 0 }, { sessionId, sessionEpoch: 1, readsOn: true });
  const forgottenTopicsData = [{ topicId: topic.topicId, partitions: [0] }];
  ask({}, { sessionId, sessionEpoch: 2, readsOn: true, forgottenTopicsData });
  expect((await answer()).told).toEqual(['0: d', '1: ']);
  expect((await answer()).told).toEqual(['1: x']);
});

test('one that waits for records is answered at once when another comes behind it, which waits instead', async () => {
  const { broker, ask, answer, open, produce } = await start();
  const sessionId = await open({ 0: 4 });
  const begun = broker.world.now();
  for (const sessionEpoch of [1, 2]) ask({}, { sessionId, sessionEpoch, readsOn: true, maxWaitMs: 5_000 });
  expect(await answer()).toEqual({ error: 'NONE', sessionId, told: [] });
  expect(broker.world.now() - begun).toBeLessThan(100);
  await produce(0, 'e');
  expect(await answer()).toEqual({ error: 'NONE', sessionId, told: ['0: e'] });
});

test('a request that does not say so reads again what the one before it read', async () => {
  const { ask, answer, open } = await start();
  const sessionId = await open({ 0: 1 });
  for (const sessionEpoch of [1, 2]) ask({}, { sessionId, sessionEpoch });
  expect([(await answer()).told, (await answer()).told]).toEqual([['0: b'], ['0: b']]);
});

test('what an older answer brought is read again, where the one before brought nothing', async () => {
  const { ask, answer, open, produce } = await start();
  const sessionId = await open({ 0: 0, 1: 0 });
  ask({}, { sessionId, sessionEpoch: 1 });
  expect((await answer()).told).toEqual(['0: a']);
  await produce(1, 'x');
  ask({}, { sessionId, sessionEpoch: 2, maxBytes: 1 });
  expect((await answer()).told).toEqual(['1: x']);
  ask({}, { sessionId, sessionEpoch: 3, readsOn: true });
  expect((await answer()).told).toEqual(['0: a']);
});

test('clients cannot ask for it', async () => {
  const { ask, answer, open } = await start('client');
  const sessionId = await open({ 0: 1 });
  ask({}, { sessionId, sessionEpoch: 1, readsOn: true });
  expect((await answer()).told).toEqual(['0: b']);
});

/** Fetching from a whole broker: long polls, bounds, epochs and ends. */
import { ERROR, Fetch, ListOffsets, OffsetForLeaderEpoch, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, deleteTopic, fetchOf, fetchOne, startTestBroker } from '../testing/test-broker.ts';

async function startWith(values: readonly string[]) {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const client = await broker.connect();
  for (const value of values) await client.request(Produce, 9, produceOf('orders', batchOf([value])));
  return { broker, topic, client };
}

test('a long poll is answered as soon as its partition has a record', async () => {
  const { broker, topic, client } = await startWith([]);
  client.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 30_000 }));
  await broker.world.run(broker.world.now() + 1_000);
  expect(client.frames).toEqual([]);
  const producer = await broker.connect();
  const sentMs = broker.world.now();
  await producer.request(Produce, 9, produceOf('orders', batchOf(['late']), { index: 1 }));
  await broker.world.run(broker.world.now() + 1_000);
  expect(client.frames).toEqual([]);
  await producer.request(Produce, 9, produceOf('orders', batchOf(['now'])));
  const answer = await client.receive(Fetch, 12);
  expect(valuesOf(answer.responses[0]!.partitions[0]!.records)).toEqual(['now']);
  expect(broker.world.now() - sentMs).toBeLessThan(2_000);
});

test('a long poll that nothing comes for is answered empty when its time is up', async () => {
  const { broker, topic, client } = await startWith([]);
  const startMs = broker.world.now();
  const fetched = await fetchOne(client, topic, { fetchOffset: 0, maxWaitMs: 700 });
  expect([fetched.errorCode, fetched.records]).toEqual([ERROR.NONE, [Buffer.alloc(0)]]);
  expect(broker.world.now() - startMs).toBeGreaterThanOrEqual(700);
});

test('a long poll waits for min bytes over all its partitions', async () => {
  const { broker, topic, client } = await startWith([]);
  const both = fetchOf(topic, { fetchOffset: 0, maxWaitMs: 30_000, minBytes: 150 }, [0, 1]);
  client.send(Fetch, 12, both);
  const producer = await broker.connect();
  await producer.request(Produce, 9, produceOf('orders', batchOf(['a']), { index: 0 }));
  await broker.world.run(broker.world.now() + 500);
  expect(client.frames).toEqual([]);
  await producer.request(Produce, 9, produceOf('orders', batchOf(['b'.repeat(80)]), { index: 1 }));
  const { responses } = await client.receive(Fetch, 12);
  expect(responses[0]!.partitions.flatMap(({ records }) => valuesOf(records))).toEqual(['a', 'b'.repeat(80)]);
});

test('a thousand consumers that wait at one tail all get the same record', async () => {
  const { broker, topic } = await startWith([]);
  const consumers = await Promise.all([broker.connect()]);
  for (let index = 1; index < 20; index++) consumers.push(await broker.connect());
  for (const consumer of consumers) {
    for (let each = 0; each < 50; each++)
      consumer.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0, maxWaitMs: 30_000 }));
  }
  await broker.world.run(broker.world.now() + 100);
  await (await broker.connect()).request(Produce, 9, produceOf('orders', batchOf(['all'])));
  await broker.world.runUntil(() => consumers.every(({ frames }) => frames.length === 50), 10_000);
  const values = [];
  for (const consumer of consumers) {
    for (let each = 0; each < 50; each++) {
      const { responses } = await consumer.receive(Fetch, 12);
      values.push(...valuesOf(responses[0]!.partitions[0]!.records));
    }
  }
  expect(values).toEqual(Array.from({ length: 1000 }, () => 'all'));
});

test('the first batch comes whole whatever its size, further ones only if they fit', async () => {
  const { topic, client } = await startWith(['a', 'b', 'c']);
  const size = batchOf(['a']).length;
  const values = async (maxBytes: number, fetchOffset = 0) =>
    valuesOf((await fetchOne(client, topic, { fetchOffset, maxBytes, maxWaitMs: 0 })).records);
  expect(await values(1)).toEqual(['a']);
  expect(await values(2 * size)).toEqual(['a', 'b']);
  expect(await values(10_000, 1)).toEqual(['b', 'c']);
});

test('offsets outside of the log are told at once, even to a long poll', async () => {
  const { topic, client } = await startWith(['a']);
  for (const fetchOffset of [-1, 2, 1e15]) {
    const fetched = await fetchOne(client, topic, { fetchOffset, maxWaitMs: 30_000 });
    expect(fetched.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  }
});

test('a topic that is deleted ends the long polls on it', async () => {
  const { broker, topic, client } = await startWith(['a']);
  client.send(Fetch, 12, fetchOf(topic, { fetchOffset: 1, maxWaitMs: 60_000 }));
  await broker.world.run(broker.world.now() + 10);
  await deleteTopic(broker, topic.name);
  const answer = await client.receive(Fetch, 12);
  expect(answer.responses[0]!.partitions[0]!.errorCode).toBe(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a client of another leader epoch is sent to look for the leader', async () => {
  const { broker, topic } = await startWith(['a']);
  broker.node.kill();
  await broker.restart();
  const client = await broker.connect();
  const code = async (currentLeaderEpoch: number) =>
    (await fetchOne(client, topic, { fetchOffset: 0, currentLeaderEpoch, maxWaitMs: 30_000 })).errorCode;
  const { topics } = await client.request(ListOffsets, 9, {
    replicaId: -1,
    topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  const epoch = topics[0]!.partitions[0]!.leaderEpoch;
  expect(epoch).toBeGreaterThan(0);
  expect([await code(epoch - 1), await code(epoch), await code(epoch + 1)]).toEqual([
    ERROR.FENCED_LEADER_EPOCH,
    ERROR.NONE,
    ERROR.UNKNOWN_LEADER_EPOCH,
  ]);
});

test('where an epoch ended is told, and a consumer that read past it learns where the logs part', async () => {
  const { broker, topic, client: before } = await startWith(['a', 'b']);
  expect(before.closed).toBe(false);
  broker.node.kill();
  await broker.restart();
  const client = await broker.connect();
  await client.request(Produce, 9, produceOf('orders', batchOf(['c'])));
  const ask = async (leaderEpoch: number) => {
    const topics = [{ topic: 'orders', partitions: [{ partition: 0, leaderEpoch }] }];
    const answer = await client.request(OffsetForLeaderEpoch, 4, { topics });
    const { errorCode, leaderEpoch: epoch, endOffset } = answer.topics[0]!.partitions[0]!;
    return { errorCode, epoch, endOffset };
  };
  const { epoch } = await ask(0);
  expect(await ask(epoch)).toEqual({ errorCode: ERROR.NONE, epoch, endOffset: 2 });
  const fetched = await fetchOne(client, topic, { fetchOffset: 3, lastFetchedEpoch: epoch, maxWaitMs: 30_000 });
  expect(fetched.divergingEpoch).toEqual({ epoch, endOffset: 2 });
});

test('session ids are not kept: a fetch that claims one is told to begin anew', async () => {
  const { topic, client } = await startWith(['a']);
  const request = { ...fetchOf(topic, { fetchOffset: 0 }), sessionId: 12, sessionEpoch: 4 };
  expect((await client.request(Fetch, 12, request)).errorCode).toBe(ERROR.FETCH_SESSION_ID_NOT_FOUND);
});

test('the ends and times of a log are listed, each special timestamp from its version on', async () => {
  const { client } = await startWith(['a', 'b', 'c']);
  const list = async (timestamp: number, version = 11) => {
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, timestamp }] }];
    const { errorCode, offset } = (await client.request(ListOffsets, version, { replicaId: -1, topics })).topics[0]!
      .partitions[0]!;
    return [errorCode, offset];
  };
  expect(await list(-1)).toEqual([ERROR.NONE, 3]);
  expect(await list(-2)).toEqual([ERROR.NONE, 0]);
  expect(await list(-3)).toEqual([ERROR.NONE, 0]);
  expect(await list(-4)).toEqual([ERROR.NONE, 0]);
  expect(await list(-5)).toEqual([ERROR.NONE, -1]);
  expect(await list(0)).toEqual([ERROR.NONE, 0]);
  expect(await list(Date.UTC(2030, 0, 1))).toEqual([ERROR.NONE, -1]);
  expect(await list(-3, 6)).toEqual([ERROR.UNSUPPORTED_VERSION, -1]);
  expect(await list(-2, 1)).toEqual([ERROR.NONE, 0]);
});

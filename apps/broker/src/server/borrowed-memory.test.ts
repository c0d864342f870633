/**
 * Frames, the tail of the logs and answers share memory that is used again (`Memory`). The simulated twin overwrites what
 * is given back, so bytes that are read or sent after that would show here, in what was stored or in what arrives.
 */
import { Fetch, Produce, ZERO_UUID } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../testing/batches.ts';
import { createTopic, fetchOf, fetchOne, startTestBroker } from '../testing/test-broker.ts';

const LONG = 'x'.repeat(20_000);
const textOf = (number: number): string => `${number} ${LONG}`;
const limits = { tailCacheBytes: 50_000, maxQueuedAnswerBytes: 3_000_000 };

test('readers that are slow get what was written, while the tail has long gone on to other batches', async () => {
  const broker = await startTestBroker({ limits });
  const topic = await createTopic(broker, 'orders');
  const producer = await broker.connect();
  const slow = [await broker.connect(), await broker.connect(), await broker.connect()];
  for (const { socket } of slow) socket.pause();
  const count = 60;
  for (let number = 0; number < count; number++) {
    await producer.request(Produce, 9, produceOf('orders', batchOf([textOf(number)])));
    // Of the newest batch (from the tail) and of all before it (from the disk).
    for (const each of slow) each.send(Fetch, 12, fetchOf(topic, { fetchOffset: number }));
    if (number >= 10) slow[0]!.send(Fetch, 12, fetchOf(topic, { fetchOffset: number - 10 }));
  }
  for (const { socket } of slow) socket.resume();
  for (const each of slow) {
    for (let number = 0; number < count; number++) {
      const { records } = (await each.receive(Fetch, 12)).responses[0]!.partitions[0]!;
      expect(valuesOf(records)[0]).toBe(textOf(number));
      if (each !== slow[0] || number < 10) continue;
      const older = (await each.receive(Fetch, 12)).responses[0]!.partitions[0]!.records;
      expect(valuesOf(older)[0]).toBe(textOf(number - 10));
    }
  }
});

test('consumers that share one read of a long poll each get all of it, also when one of them goes away', async () => {
  const broker = await startTestBroker({ limits });
  const topic = await createTopic(broker, 'orders');
  const producer = await broker.connect();
  const consumers: Awaited<ReturnType<typeof broker.connect>>[] = [];
  while (consumers.length < 5) consumers.push(await broker.connect());
  for (const { socket } of consumers) socket.pause();
  for (let number = 0; number < 20; number++) {
    for (const consumer of consumers) {
      consumer.send(Fetch, 12, fetchOf(topic, { fetchOffset: number, maxWaitMs: 30_000 }));
    }
    await broker.world.run(broker.world.now() + 5);
    await producer.request(Produce, 9, produceOf('orders', batchOf([textOf(number)])));
  }
  const [gone, ...others] = consumers;
  gone!.socket.destroy();
  for (const consumer of others) consumer.socket.resume();
  for (const consumer of others) {
    for (let number = 0; number < 20; number++) {
      const { records } = (await consumer.receive(Fetch, 12)).responses[0]!.partitions[0]!;
      expect(valuesOf(records)).toEqual([textOf(number)]);
    }
  }
});

test('many partitions of one request are stored whole, small batches beside large ones', async () => {
  const broker = await startTestBroker({ limits });
  const partitions = 2;
  const topic = await createTopic(broker, 'orders');
  const producer = await broker.connect();
  const rounds = 10;
  for (let round = 0; round < rounds; round++) {
    const partitionData = Array.from({ length: partitions }, (_, index) => {
      const value = index % 2 === 0 ? `${round}` : textOf(round);
      return { index, records: [batchOf([value])], mirror: null };
    });
    producer.send(Produce, 9, {
      acks: 1,
      timeoutMs: 5_000,
      topicData: [{ name: 'orders', topicId: ZERO_UUID, partitionData }],
    });
  }
  for (let round = 0; round < rounds; round++) await producer.receive(Produce, 9);
  for (const isRestarted of [false, true]) {
    const reader = await broker.connect();
    for (let index = 0; index < partitions; index++) {
      const answer = await reader.request(Fetch, 12, fetchOf(topic, { fetchOffset: 0 }, [index]));
      const { records } = answer.responses[0]!.partitions[0]!;
      const expected = Array.from({ length: rounds }, (_, round) => (index % 2 === 0 ? `${round}` : textOf(round)));
      expect(valuesOf(records)).toEqual(expected);
    }
    if (isRestarted) return;
    broker.node.kill();
    await broker.restart();
  }
});

test('a broker that is stopped in the middle of a long request, and clients that vanish, harm nobody', async () => {
  const broker = await startTestBroker({ limits });
  const topic = await createTopic(broker, 'orders');
  const producer = await broker.connect();
  for (let number = 0; number < 20; number++) {
    const vanishing = await broker.connect();
    vanishing.send(Produce, 9, produceOf('orders', batchOf([textOf(number)]), { index: 1 }));
    vanishing.send(Fetch, 12, fetchOf(topic, { fetchOffset: 0 }));
    await broker.world.run(broker.world.now() + (number % 4));
    vanishing.socket.destroy();
    await producer.request(Produce, 9, produceOf('orders', batchOf([textOf(number)])));
  }
  for (let number = 0; number < 20; number++) {
    const { records } = await fetchOne(producer, topic, { fetchOffset: number });
    expect(valuesOf(records)[0]).toBe(textOf(number));
  }
  expect(broker.fatal).toEqual([]);
});

/** What a partition tells of its producers, what it forgets, and what a restart leaves of them. */
import { DescribeProducers, ERROR, IncrementalAlterConfigs, InitProducerId, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, startTestBroker, type TestBroker } from '../testing/test-broker.ts';

const BROKER = 4;
/** Where the simulated world's clock stands. */
const clockOf = (broker: TestBroker): number => Date.UTC(2026, 0, 1) + Math.floor(broker.world.now());

async function produce(broker: TestBroker, producerId: number, baseSequence: number) {
  const client = await broker.connect();
  const records = [{ timestamp: clockOf(broker), value: Buffer.from('x') }];
  const request = produceOf('orders', batchOf([], { records, producerId, producerEpoch: 2, baseSequence }));
  const [answer] = (await client.request(Produce, 9, request)).responses[0]!.partitionResponses;
  return answer!;
}

async function active(broker: TestBroker) {
  const client = await broker.connect();
  const { topics } = await client.request(DescribeProducers, 0, {
    topics: [{ name: 'orders', partitionIndexes: [0] }],
  });
  return topics[0]!.partitions[0]!.activeProducers;
}

test('a producer is described with the last that it has written', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const first = clockOf(broker);
  await produce(broker, 7, 0);
  expect(await active(broker)).toEqual([
    {
      producerId: 7,
      producerEpoch: 2,
      lastSequence: 0,
      lastTimestamp: expect.closeTo(first, -2),
      coordinatorEpoch: -1,
      currentTxnStartOffset: -1,
    },
  ]);
});

test('a producer that is silent for too long is forgotten, by a config that may change, and may go on', async () => {
  const configs = { 'producer.id.expiration.ms': '100000', 'producer.id.expiration.check.interval.ms': '1000' };
  const broker = await startTestBroker({ config: { configs } });
  await createTopic(broker, 'orders');
  await produce(broker, 7, 0);
  await broker.world.run(broker.world.now() + 60_000);
  expect(await active(broker)).toHaveLength(1);
  const change = { name: 'producer.id.expiration.ms', configOperation: 0, value: '30000' };
  const resources = [{ resourceType: BROKER, resourceName: '', configs: [change] }];
  await (await broker.connect()).request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  await broker.world.run(broker.world.now() + 2_000);
  expect(await active(broker)).toEqual([]);
  expect((await produce(broker, 7, 33)).errorCode).toBe(ERROR.NONE);
});

test('after a clean restart five batches of a producer come back as duplicates, with offsets and timestamps', async () => {
  const broker = await startTestBroker();
  await createTopic(broker, 'orders');
  const before = [];
  for (let sequence = 0; sequence < 6; sequence++) before.push(await produce(broker, 7, sequence));
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  for (let sequence = 1; sequence < 6; sequence++) {
    const { errorCode, baseOffset, logAppendTimeMs } = await produce(broker, 7, sequence);
    expect([errorCode, baseOffset]).toEqual([ERROR.NONE, before[sequence]!.baseOffset]);
    expect(logAppendTimeMs).toBeGreaterThan(0);
  }
  expect((await produce(broker, 7, 0)).errorCode).toBe(ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER);
  expect((await produce(broker, 7, 6)).baseOffset).toBe(6);
});

test('half of a producer id is an invalid request, all of one leads to a new one, as without', async () => {
  const broker = await startTestBroker();
  const client = await broker.connect();
  const ask = async (known: object) => {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000, ...known };
    const { errorCode, producerId, producerEpoch } = await client.request(InitProducerId, 4, request);
    return [errorCode, producerId >= 0, producerEpoch];
  };
  expect(await ask({ producerId: 5 })).toEqual([ERROR.INVALID_REQUEST, false, -1]);
  expect(await ask({ producerEpoch: 5 })).toEqual([ERROR.INVALID_REQUEST, false, -1]);
  expect(await ask({ producerId: 5, producerEpoch: 5 })).toEqual([ERROR.NONE, true, 0]);
  expect(await ask({ transactionTimeoutMs: -1 })).toEqual([ERROR.NONE, true, 0]);
});

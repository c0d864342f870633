import { ERROR, Produce } from '@meridian/protocol';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { produceOf } from '../../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker, type TestBroker } from '../../testing/test-broker.ts';

const CONFIGS = { 'log.cleaner.backoff.ms': '1000' };
const COMPACTED = { 'cleanup.policy': 'compact', 'internal.segment.bytes': '2000' };

/** Forty records of four keys, 500 bytes each. */
async function fill(broker: TestBroker, topic: string): Promise<void> {
  const client = await broker.connect();
  for (let count = 0; count < 40; count++) {
    const record = {
      timestamp: broker.world.now() | 0,
      key: Buffer.from(`k${count % 4}`),
      value: Buffer.alloc(500, count),
    };
    const answer = await client.request(Produce, 9, produceOf(topic, Buffer.from(writeBatch({ records: [record] }))));
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  }
}

async function offsetsIn(broker: TestBroker, topic: Parameters<typeof fetchOne>[1]): Promise<number[]> {
  const client = await broker.connect();
  const offsets: number[] = [];
  for (let at = 0; at < 40; at = offsets.at(-1)! + 1) {
    const { records } = await fetchOne(client, topic, { fetchOffset: at, maxWaitMs: 1 });
    const batches = records!.flatMap((buffer) => [...iterateBatches(buffer)]);
    const found = batches.flatMap(({ bytes }) => [...readRecords(bytes)]).filter(({ offset }) => offset >= at);
    offsets.push(...found.map(({ offset }) => offset));
  }
  return offsets;
}

test('a compacted topic keeps the newest record of every key, and the checkpoint tells how far', async () => {
  const broker = await startTestBroker({ config: { configs: CONFIGS }, limits: { tailCacheBytes: 1 } });
  const topic = await createTopic(broker, 'cities', COMPACTED);
  const plain = await createTopic(broker, 'events', { 'internal.segment.bytes': '2000' });
  await fill(broker, 'cities');
  await fill(broker, 'events');
  await broker.world.run(broker.world.now() + 5_000);
  const kept = await offsetsIn(broker, topic);
  expect(kept.length).toBeLessThan(12);
  expect(kept.slice(-4)).toEqual([36, 37, 38, 39]);
  expect(await offsetsIn(broker, plain)).toHaveLength(40);
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  expect(await offsetsIn(broker, topic)).toEqual(kept);
});

test('a table that holds only some keys means more passes, not fewer records superseded', async () => {
  const configs = { ...CONFIGS, 'log.cleaner.dedupe.buffer.size': '72' };
  const broker = await startTestBroker({ config: { configs }, limits: { tailCacheBytes: 1 } });
  const topic = await createTopic(broker, 'cities', COMPACTED);
  await fill(broker, 'cities');
  await broker.world.run(broker.world.now() + 20_000);
  const kept = await offsetsIn(broker, topic);
  expect(kept.length).toBeLessThan(12);
  expect(kept.slice(-4)).toEqual([36, 37, 38, 39]);
});

test('nothing is compacted where the cleaner is off, however that is spelled', async () => {
  const configs = { ...CONFIGS, 'log.cleaner.enable': ' False ' };
  const broker = await startTestBroker({ config: { configs }, limits: { tailCacheBytes: 1 } });
  const topic = await createTopic(broker, 'cities', COMPACTED);
  await fill(broker, 'cities');
  await broker.world.run(broker.world.now() + 5_000);
  expect(await offsetsIn(broker, topic)).toHaveLength(40);
});

import { ERROR, Produce } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf, produceOf } from '../../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker, type TestBroker } from '../../testing/test-broker.ts';

const CONFIGS = { 'log.retention.check.interval.ms': '1000' };
const SMALL = { 'internal.segment.bytes': '2000', 'retention.ms': '-1' };

/** Forty batches of 1000 bytes into partition 0. */
async function fill(broker: TestBroker, topic: string): Promise<void> {
  const client = await broker.connect();
  for (let count = 0; count < 40; count++) {
    const answer = await client.request(Produce, 9, produceOf(topic, batchOf(['x'.repeat(930)])));
    expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ERROR.NONE);
  }
}

test('a topic is cut to the size that it may keep, and reading below its start is out of range', async () => {
  const broker = await startTestBroker({ config: { configs: CONFIGS } });
  const topic = await createTopic(broker, 'orders', { ...SMALL, 'retention.bytes': '10000' });
  const kept = await createTopic(broker, 'kept', SMALL);
  await fill(broker, 'orders');
  await fill(broker, 'kept');
  await broker.world.run(broker.world.now() + 2_500);
  const client = await broker.connect();
  const below = await fetchOne(client, topic, { fetchOffset: 0, maxWaitMs: 1 });
  expect(below.errorCode).toBe(ERROR.OFFSET_OUT_OF_RANGE);
  const at = await fetchOne(client, topic, { fetchOffset: 31, maxWaitMs: 1 });
  expect(at.errorCode).toBe(ERROR.NONE);
  expect(at.logStartOffset).toBeGreaterThan(24);
  expect((await fetchOne(client, kept, { fetchOffset: 0, maxWaitMs: 1 })).logStartOffset).toBe(0);
});

test('records leave when their time is up, a whole segment at a time, over restarts too', async () => {
  const broker = await startTestBroker({ config: { configs: CONFIGS } });
  const topic = await createTopic(broker, 'orders', { ...SMALL, 'retention.ms': '60000' });
  await fill(broker, 'orders');
  await broker.world.run(broker.world.now() + 30_000);
  expect((await fetchOne(await broker.connect(), topic, { fetchOffset: 0, maxWaitMs: 1 })).logStartOffset).toBe(0);
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  await broker.world.run(broker.world.now() + 40_000_000);
  const fetched = await fetchOne(await broker.connect(), topic, { fetchOffset: 40, maxWaitMs: 1 });
  expect([fetched.errorCode, fetched.logStartOffset]).toEqual([ERROR.NONE, 40]);
});

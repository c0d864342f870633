/** What a whole broker stores where a topic has a codec and a timestamp type of its own, and when these change. */
import { compress, decompress, ERROR, IncrementalAlterConfigs, Produce } from '@meridian/protocol';
import { type BatchHeader, iterateBatches, readRecords } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf, produceOf, valuesOf } from '../../testing/batches.ts';
import { createTopic, fetchOne, startTestBroker, type TestBroker } from '../../testing/test-broker.ts';

const TOPIC = 2;
/** Of the batches' records. */
const CREATED_MS = Date.UTC(2026, 0, 1);

async function produce(broker: TestBroker, batch: Buffer) {
  const client = await broker.connect();
  const [part] = (await client.request(Produce, 9, produceOf('orders', batch))).responses[0]!.partitionResponses;
  expect(part!.errorCode).toBe(ERROR.NONE);
  return part!;
}

async function alter(broker: TestBroker, name: string, value: string): Promise<void> {
  const change = { name, configOperation: 0, value };
  const resources = [{ resourceType: TOPIC, resourceName: 'orders', configs: [change] }];
  const client = await broker.connect();
  const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
  expect(responses[0]!.errorCode).toBe(ERROR.NONE);
}

async function stored(broker: TestBroker, topic: Awaited<ReturnType<typeof createTopic>>) {
  const fetched = await fetchOne(await broker.connect(), topic, { fetchOffset: 0 });
  const views = [...iterateBatches(Buffer.concat(fetched.records ?? []))];
  return {
    headers: views.map(({ header }) => header),
    times: views.map(({ bytes }) => [...readRecords(bytes, { decompress })][0]!.timestamp),
    values: valuesOf(fetched.records),
  };
}

const codecs = (headers: readonly BatchHeader[]) => headers.map(({ codec }) => codec);

test('compression.type may change while the topic is written to, and its own codec is kept over a restart', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders', { 'compression.type': 'gzip', 'compression.gzip.level': '1' });
  await produce(broker, batchOf(['a'], { codec: 'snappy', compress }));
  await alter(broker, 'compression.type', 'producer');
  await produce(broker, batchOf(['b'], { codec: 'snappy', compress }));
  await alter(broker, 'compression.type', 'uncompressed');
  await produce(broker, batchOf(['c'], { codec: 'lz4', compress }));
  await broker.world.settle(broker.broker.stop());
  await broker.restart();
  await alter(broker, 'compression.type', 'zstd');
  await produce(broker, batchOf(['d']));
  const { headers, values } = await stored(broker, topic);
  expect(codecs(headers)).toEqual(['gzip', 'snappy', 'none', 'zstd']);
  expect(values).toEqual(['a', 'b', 'c', 'd']);
});

test('message.timestamp.type may change while the topic is written to, with a codec of its own or without', async () => {
  for (const type of ['producer', 'lz4']) {
    const broker = await startTestBroker();
    const topic = await createTopic(broker, 'orders', { 'compression.type': type });
    const answers = [await produce(broker, batchOf(['a']))];
    await broker.world.run(broker.world.now() + 5_000);
    await alter(broker, 'message.timestamp.type', 'LogAppendTime');
    answers.push(await produce(broker, batchOf(['b'])));
    await alter(broker, 'message.timestamp.type', 'CreateTime');
    answers.push(await produce(broker, batchOf(['c'])));
    const appendedMs = answers[1]!.logAppendTimeMs;
    expect(answers.map(({ logAppendTimeMs }) => logAppendTimeMs)).toEqual([-1, appendedMs, -1]);
    expect(appendedMs).toBeGreaterThanOrEqual(CREATED_MS + 5_000);
    const { headers, times } = await stored(broker, topic);
    expect(headers.map(({ hasLogAppendTime }) => hasLogAppendTime)).toEqual([false, true, false]);
    expect(headers.map(({ baseTimestamp }) => baseTimestamp)).toEqual([CREATED_MS, CREATED_MS, CREATED_MS]);
    expect(times).toEqual([CREATED_MS, appendedMs, CREATED_MS]);
  }
});

test('a duplicate in a topic with a codec of its own is answered as such, and not stored again', async () => {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders', { 'compression.type': 'zstd' });
  const batch = () =>
    batchOf(['a', 'b'], { producerId: 9, producerEpoch: 0, baseSequence: 0, codec: 'gzip', compress });
  await produce(broker, batch());
  expect(await produce(broker, batch())).toMatchObject({ baseOffset: 0, logAppendTimeMs: CREATED_MS });
  const { headers } = await stored(broker, topic);
  expect(headers).toHaveLength(1);
  expect(headers[0]).toMatchObject({ producerId: 9, producerEpoch: 0, baseSequence: 0, lastOffsetDelta: 1 });
});

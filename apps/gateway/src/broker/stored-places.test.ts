/** What a publish to Apache Kafka is answered, although Kafka tells neither the epoch nor that it had the batch. */
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { crc32c, stampProducer, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { TopicFacts } from './broker-port.ts';
import { createClientBroker } from './client-broker.ts';

async function setUp() {
  const world = createSimWorld({ seed: 4 });
  const bootstrap = [{ host: 'broker', port: 9092 }];
  const fake = new FakeBroker({ host: 'broker', port: 9092 });
  await world.settle(fake.start(world.node('broker').boot()));
  fake.createTopic('acme.cities', 1);
  const io = world.node('gateway').boot();
  const broker = createClientBroker(io, { region: 'eu-west', engine: 'kafka', bootstrap }, silentLogger);
  const topic = (await world.settle(broker.describe(['acme.cities']))).get('acme.cities') as TopicFacts;
  const publish = (batch: Buffer) => world.settle(broker.produce(topic, 0, batch));
  return { fake, log: fake.partition('acme.cities', 0), publish };
}

const records = (count: number) => Array.from({ length: count }, () => ({ timestamp: 1, key: null, value: null }));
const plain = (count: number): Buffer => Buffer.from(writeBatch({ records: records(count) }));

function numbered(baseSequence: number): Buffer {
  const batch = Buffer.from(writeBatch({ records: records(1) }));
  stampProducer(batch, 0, { producerId: 7, producerEpoch: 0, baseSequence }, crc32c);
  return batch;
}

test('a batch has the epoch of the leader that stored it, also when the leader has changed since the last look', async () => {
  const { log, publish } = await setUp();
  expect(await publish(plain(3))).toMatchObject({ errorCode: 0, baseOffset: 0, leaderEpoch: 0, isDuplicate: false });
  for (const epoch of [1, 2]) {
    log.lead(1);
    log.epochs.push({ epoch, startOffset: log.endOffset });
    expect(await publish(plain(2))).toMatchObject({ baseOffset: 1 + 2 * epoch, leaderEpoch: epoch });
  }
});

test('a batch that was there before is told as a duplicate', async () => {
  const { publish } = await setUp();
  expect(await publish(numbered(0))).toMatchObject({ baseOffset: 0, isDuplicate: false });
  expect(await publish(numbered(1))).toMatchObject({ baseOffset: 1, isDuplicate: false });
  expect(await publish(numbered(1))).toMatchObject({ baseOffset: 1, isDuplicate: true });
});

test('an epoch that cannot be made sure of is not told', async () => {
  const { log, publish } = await setUp();
  log.lookUpError = ERROR.KAFKA_STORAGE_ERROR; // where epochs end is not told
  expect(await publish(plain(1))).toMatchObject({ errorCode: 0, baseOffset: 0, leaderEpoch: -1 });
});

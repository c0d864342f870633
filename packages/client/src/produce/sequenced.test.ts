import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';

const PRODUCER = { producerId: 9, producerEpoch: 3 };

function numbered(baseSequence: number): Buffer {
  const value = new TextEncoder().encode(`${baseSequence}`);
  const bytes = writeBatch({ records: [{ timestamp: 1, key: null, value, headers: [] }], ...PRODUCER, baseSequence });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

async function setUp() {
  const world = createSimWorld({ seed: 7 });
  const broker = new FakeBroker({ host: 'broker', port: 9093 });
  await world.settle(broker.start(world.node('broker').boot()));
  const topic = broker.createTopic('cities', 1);
  const io = world.node('client').boot();
  const client = createClient({
    io,
    bootstrap: [{ host: 'broker', port: 9093 }],
    clientId: 'test',
    log: silentLogger,
  });
  const produce = (sequence: number, options = {}) =>
    client.produce('cities', 0, [numbered(sequence)], { sequenced: true, ...options }).then(
      ({ errorCode, baseOffset }) => (errorCode === ERROR.NONE ? baseOffset : `code ${errorCode}`),
      (error) => error.code,
    );
  return { world, broker, topic, produce, client };
}

test('numbered batches are in the log in their order, though answers were lost on the way', async () => {
  const { world, broker, produce } = await setUp();
  broker.loseAnswersOf = 'Produce';
  const all = Promise.all(Array.from({ length: 12 }, (_, sequence) => produce(sequence)));
  await world.run(world.now() + 100);
  broker.loseAnswersOf = undefined;
  expect(await world.settle(all)).toEqual(Array.from({ length: 12 }, (_, offset) => offset));
});

test('once a numbered batch has been refused, none that waits behind it is sent', async () => {
  const { world, broker, produce } = await setUp();
  expect(await world.settle(produce(0))).toBe(0);
  broker.intercept = (api) => (api === 'Produce' ? ERROR.INVALID_PRODUCER_EPOCH : undefined);
  broker.requests.length = 0;
  const outcomes = await world.settle(Promise.all(Array.from({ length: 12 }, (_, index) => produce(index + 1))));
  expect(outcomes[0]).toBe(`code ${ERROR.INVALID_PRODUCER_EPOCH}`);
  expect(new Set(outcomes.slice(5))).toEqual(new Set(['predecessor-failed']));
  expect(broker.requests.filter((api) => api === 'Produce').length).toBeLessThanOrEqual(5);
});

test('a numbered batch whose time is over takes those behind it along', async () => {
  const { world, broker, produce } = await setUp();
  expect(await world.settle(produce(0))).toBe(0);
  broker.intercept = (api) => (api === 'Produce' ? ERROR.NOT_LEADER_OR_FOLLOWER : undefined);
  const outcomes = Promise.all([
    produce(1, { timeoutMs: 600 }),
    ...Array.from({ length: 8 }, (_, i) => produce(i + 2)),
  ]);
  await world.run(world.now() + 2_000);
  broker.intercept = undefined;
  expect(await world.settle(outcomes)).toEqual(['timeout', ...Array.from({ length: 8 }, () => 'predecessor-failed')]);
  expect(broker.partition('cities').endOffset).toBe(1);
});

test('a batch that is meant for another topic of this name is not appended', async () => {
  const { world, broker, topic, produce } = await setUp();
  expect(await world.settle(produce(0, { topicId: topic.id }))).toBe(0);
  broker.createTopic('cities', 1);
  expect(await world.settle(produce(1, { topicId: topic.id }))).toBe('unknown-topic');
  expect(broker.partition('cities').endOffset).toBe(0);
});

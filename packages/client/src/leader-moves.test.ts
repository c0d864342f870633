/** A client whose partition's leader moves: to another broker, with and without a hint, and past brokers that know less. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR, errorName, Metadata } from '@meridian/protocol';
import { iterateBatches, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient, type FetchedSlice, type FetchFailure } from './client.ts';
import { FakeBroker } from './testing/fake-broker.ts';

function batchOf(value: string, sequence = -1): Buffer {
  const producer = sequence < 0 ? {} : { producerId: 7, producerEpoch: 0, baseSequence: sequence };
  const records = [{ timestamp: 1, key: null, value: new TextEncoder().encode(value), headers: [] }];
  const bytes = writeBatch({ records, ...producer });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

async function twoBrokers({ hints = false, waitMs = 500 } = {}) {
  const world = createSimWorld({ seed: 3 });
  const first = new FakeBroker({ host: 'one', port: 9093 });
  const second = new FakeBroker({ host: 'two', port: 9093, nodeId: 2, beside: first });
  for (const broker of [first, second]) {
    broker.hints = hints;
    await world.settle(broker.start(world.node(broker === first ? 'one' : 'two').boot()));
  }
  first.createTopic('orders', 1);
  const io = world.node('client').boot();
  const bootstrap = ['one', 'two'].map((host) => ({ host, port: 9093 }));
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const slices: FetchedSlice[] = [];
  const failures: FetchFailure[] = [];
  const ends: [number, boolean][] = [];
  client.fetcher({ maxWaitMs: waitMs }).add({
    topic: 'orders',
    partition: 0,
    offset: 0,
    onBatches: (slice) => void slices.push(slice),
    onError: (failure) => void failures.push(failure),
    onEnd: (highWatermark, hole) => void ends.push([highWatermark, hole]),
  });
  const offsets = () =>
    slices.flatMap(({ buffers }) =>
      buffers.flatMap((each) => [...iterateBatches(each)].map(({ header }) => header.baseOffset)),
    );
  const produce = (sequence: number) => world.settle(client.produce('orders', 0, [batchOf(`v${sequence}`, sequence)]));
  return { world, first, second, client, slices, failures, ends, offsets, produce };
}

test.each([true, false])('produce and fetch go on at another broker, with hint: %s', async (hints) => {
  const { world, first, second, client, failures, offsets, produce } = await twoBrokers({ hints });
  for (let sequence = 0; sequence < 3; sequence++) await produce(sequence);
  first.partition('orders').lead(2);
  for (let sequence = 3; sequence < 6; sequence++) expect((await produce(sequence)).errorCode).toBe(ERROR.NONE);
  expect(await world.runUntil(() => offsets().length === 6, 5_000)).toBe(true);
  expect([offsets(), failures]).toEqual([[0, 1, 2, 3, 4, 5], []]);
  expect(second.requests).toContain('Fetch');
  const asked = [...first.requests, ...second.requests].filter((name) => name === 'Metadata').length;
  if (hints) expect(asked).toBeLessThanOrEqual(2);
  await client.close();
});

test('a broker that has not heard of the move yet cannot send the client back', async () => {
  const { world, first, second, client, offsets, produce } = await twoBrokers({ hints: true });
  await produce(0);
  first.outdated = second.outdated = { leaderId: 1, leaderEpoch: 0 };
  first.partition('orders').lead(2);
  await produce(1);
  await world.settle(client.metadata(['orders'], { maxAgeMs: 0 }));
  const before = first.requests.filter((name) => name === 'Produce').length;
  await produce(2);
  expect(first.requests.filter((name) => name === 'Produce').length).toBe(before);
  expect(await world.runUntil(() => offsets().length === 3, 5_000)).toBe(true);
  await client.close();
});

test('a broker that says the same for ever is not the only one to be asked', async () => {
  const { world, first, second, client, offsets, produce } = await twoBrokers();
  await produce(0);
  const outdatedOne = first.requests.includes('Metadata') ? first : second;
  outdatedOne.outdated = { leaderId: 1, leaderEpoch: 0 };
  first.partition('orders').lead(2);
  expect((await produce(1)).errorCode).toBe(ERROR.NONE);
  expect(await world.runUntil(() => offsets().length === 2, 5_000)).toBe(true);
  await client.close();
});

test('a new leader that does not know yet what is committed makes no hole', async () => {
  const { world, first, client, ends, offsets, produce } = await twoBrokers({ waitMs: 100 });
  await produce(0);
  expect(await world.runUntil(() => offsets().length === 1, 5_000)).toBe(true);
  const partition = first.partition('orders');
  // The old leader tells of an end behind our position, and has no bytes left to tell more; then another one leads.
  partition.append(batchOf('v1', 1));
  const [hidden] = partition.batches.splice(1);
  first.wake();
  expect(await world.runUntil(() => ends.some(([end]) => end === 2), 1_000)).toBe(true);
  partition.batches.push(hidden!);
  partition.highWatermark = 1;
  partition.lead(2);
  await world.run(world.now() + 1_000);
  expect(ends.filter(([, hole]) => hole)).toEqual([]);
  partition.highWatermark = undefined;
  expect(await world.runUntil(() => offsets().length === 2, 5_000)).toBe(true);
  expect(offsets()).toEqual([0, 1]);
  await client.close();
});

test('a leader that ceased to lead with our batch in its log leaves the outcome open', async () => {
  const { world, first, client } = await twoBrokers();
  const partition = first.partition('orders');
  const { append } = partition;
  const cease = (): object => ({ errorCode: ERROR.NOT_LEADER_OR_FOLLOWER, baseOffset: -1, logStartOffset: 0 });
  partition.append = (bytes) => {
    append.call(partition, bytes);
    partition.append = append;
    return cease() as ReturnType<typeof append>;
  };
  await expect(world.settle(client.produce('orders', 0, [batchOf('once')]))).rejects.toMatchObject({
    code: 'outcome-unknown',
  });
  partition.append = (bytes) => {
    append.call(partition, bytes);
    partition.append = append;
    return cease() as ReturnType<typeof append>;
  };
  const { errorCode, baseOffset } = await world.settle(client.produce('orders', 0, [batchOf('again', 0)]));
  expect([errorName(errorCode), baseOffset, partition.endOffset]).toEqual(['NONE', 1, 2]);
  await client.close();
});

test('a producer id is asked for at another broker when one goes away', async () => {
  const { world, first, second, client } = await twoBrokers();
  for (const broker of [first, second]) {
    broker.intercept = (api) => {
      if (api !== 'InitProducerId') return undefined;
      broker.intercept = undefined;
      return 'drop';
    };
  }
  expect(await world.settle(client.initProducerId())).toMatchObject({ producerId: 4711 });
  await client.close();
});

test('a broker that falls silent is not the one that is asked for the new leader', async () => {
  const { world, first, client, offsets, produce } = await twoBrokers();
  await produce(0);
  await world.settle(client.send(Metadata, { topics: [], allowAutoTopicCreation: false }, 'any'));
  world.node('one').stall(60_000);
  first.partition('orders').lead(2);
  const before = world.now();
  expect((await produce(1)).errorCode).toBe(ERROR.NONE);
  expect(world.now() - before).toBeLessThan(12_000);
  expect(await world.runUntil(() => offsets().length === 2, 15_000)).toBe(true);
  await client.close();
});

test('whoever did not answer is not asked again at once', async () => {
  const { world, client } = await twoBrokers();
  const ask = () => client.send(Metadata, { topics: [], allowAutoTopicCreation: false }, 'any', { timeoutMs: 1_000 });
  await world.settle(ask());
  world.node('one').stall(60_000);
  const first = ask().then(
    () => 'answered',
    (error) => error.code,
  );
  expect(await world.settle(first)).toBe('timeout');
  expect((await world.settle(ask())).brokers.length).toBe(2);
  await client.close();
});

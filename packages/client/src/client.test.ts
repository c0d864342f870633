import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { readBatchHeader, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type ClientOptions, createClient, type FetchedSlice, type FetchFailure, LATEST } from './client.ts';
import { FakeBroker } from './testing/fake-broker.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function batchOf(values: readonly string[], producer?: { id: number; sequence: number }): Buffer {
  const records = values.map((value) => ({ timestamp: 1, key: null, value: text(value), headers: [] }));
  const bytes = writeBatch({
    records,
    ...(producer ? { producerId: producer.id, producerEpoch: 0, baseSequence: producer.sequence } : {}),
  });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

async function setUp(options: Partial<ClientOptions> = {}, secret?: string) {
  const world = createSimWorld({ seed: 7 });
  const broker = new FakeBroker({ host: 'broker', port: 9093, ...(secret ? { secret } : {}) });
  const node = world.node('broker');
  await world.settle(broker.start(node.boot()));
  const io = world.node('client').boot();
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger, ...options });
  return { world, broker, node, client };
}

test('a produced batch is listed, and fetched as the bytes that it was', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 2);
  const sent = batchOf(['a', 'b', 'c']);
  const produced = await world.settle(client.produce('cities', 1, [sent]));
  expect(produced).toMatchObject({ errorCode: 0, baseOffset: 0 });
  const [listed] = await world.settle(client.listOffsets([{ topic: 'cities', partition: 1, timestamp: LATEST }]));
  expect(listed).toMatchObject({ errorCode: 0, offset: 3 });

  const slices: FetchedSlice[] = [];
  const fetcher = client.fetcher();
  const onError = (failure: FetchFailure): never => {
    throw new Error(failure.detail);
  };
  fetcher.add({ topic: 'cities', partition: 1, offset: 0, onError, onBatches: (slice) => slices.push(slice) });
  expect(await world.runUntil(() => slices.length > 0, 1_000)).toBe(true);
  expect(slices[0]).toMatchObject({ baseOffset: 0, nextOffset: 3, lastEpoch: 0, highWatermark: 3 });
  expect(slices[0]!.buffers[0]!.subarray(21)).toEqual(sent.subarray(21));
  await client.close();
});

test('a partition may be asked for twice at once, though its leader takes one question a request', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 2);
  await world.settle(client.produce('cities', 1, [batchOf(['a', 'b', 'c'])]));
  const queries = [LATEST, -2, LATEST].map((timestamp) => ({ topic: 'cities', partition: 1, timestamp }));
  const listed = await world.settle(client.listOffsets(queries));
  expect(listed).toMatchObject([
    { errorCode: 0, offset: 3 },
    { errorCode: 0, offset: 0 },
    { errorCode: 0, offset: 3 },
  ]);
  await client.close();
});

test('a record is delivered to a waiting long poll without waiting for its end', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const slices: FetchedSlice[] = [];
  client.fetcher({ maxWaitMs: 10_000 }).add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onError: () => undefined,
    onBatches: (slice) => slices.push(slice),
  });
  await world.run(world.now() + 200);
  const before = world.now();
  void client.produce('cities', 0, [batchOf(['x'])]);
  await world.runUntil(() => slices.length > 0, 10_000);
  expect(world.now() - before).toBeLessThan(20);
});

test('a partition that joins while a long poll is out does not wait for its end', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('quiet', 1);
  broker.createTopic('busy', 1);
  broker.partition('busy').append(batchOf(['x']));
  const fetcher = client.fetcher({ maxWaitMs: 10_000 });
  const onError = (): void => undefined;
  fetcher.add({ topic: 'quiet', partition: 0, offset: 0, onError, onBatches: () => undefined });
  await world.run(world.now() + 200);
  const slices: FetchedSlice[] = [];
  fetcher.add({ topic: 'busy', partition: 0, offset: 0, onError, onBatches: (slice) => slices.push(slice) });
  expect(await world.runUntil(() => slices.length > 0, 100)).toBe(true);
});

test('idempotent batches that were in flight when the connection broke are in the log once and in order', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const produce = (index: number) =>
    client
      .produce('cities', 0, [batchOf([`${index}`], { id: 1, sequence: index })])
      .then((result) => result.baseOffset);
  expect(await world.settle(produce(0))).toBe(0);
  broker.loseAnswersOf = 'Produce';
  const rest = Promise.all(Array.from({ length: 20 }, (_, index) => produce(index + 1)));
  await world.run(world.now() + 100);
  broker.loseAnswersOf = undefined;
  expect(await world.settle(rest)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(broker.partition('cities').endOffset).toBe(21);
});

test('a batch without producer id that may have been appended is not sent again', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  broker.loseAnswersOf = 'Produce';
  const outcome = client.produce('cities', 0, [batchOf(['x'])]).catch((error) => error.code);
  expect(await world.settle(outcome)).toBe('outcome-unknown');
  expect(broker.partition('cities').endOffset).toBe(1);
});

test('a refusal that passes is retried, and later calls stay behind the earlier ones', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  let refusals = 3;
  broker.intercept = (api) => (api === 'Produce' && refusals-- > 0 ? ERROR.NOT_LEADER_OR_FOLLOWER : undefined);
  const offsets = await world.settle(
    Promise.all(['a', 'b', 'c'].map((value) => client.produce('cities', 0, [batchOf([value])]))),
  );
  expect(offsets.map(({ baseOffset }) => baseOffset)).toEqual([0, 1, 2]);
});

test('a produce ends at its deadline when no broker is there', async () => {
  const { world, broker, node, client } = await setUp();
  broker.createTopic('cities', 1);
  await world.settle(client.produce('cities', 0, [batchOf(['x'])]));
  node.powerLoss();
  const before = world.now();
  const outcome = client
    .produce('cities', 0, [batchOf(['y'], { id: 1, sequence: 0 })], { timeoutMs: 3_000 })
    .catch((error) => error.code);
  expect(await world.settle(outcome)).toBe('timeout');
  expect(world.now() - before).toBeLessThan(3_500);
});

test('an unknown topic is told soon, and a cancelled call at once', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const unknown = client.produce('nowhere', 0, [batchOf(['x'])]).catch((error) => error.code);
  expect(await world.settle(unknown)).toBe('unknown-topic');
  const controller = new AbortController();
  const cancelled = client.leaderOf('nowhere', 0, { signal: controller.signal }).catch((error) => error.code);
  controller.abort();
  expect(await world.settle(cancelled, 10)).toBe('cancelled');
});

test('mirror appends are pipelined, and a refused one tells the log end', async () => {
  const { world, broker, client } = await setUp();
  const topic = broker.createTopic('eu.cities', 1);
  const at = (baseOffset: number): Buffer => {
    const bytes = batchOf(['x', 'y']);
    bytes.writeBigInt64BE(BigInt(baseOffset), 0);
    return bytes;
  };
  const append = (base: number, expectedEnd: number) =>
    client.produce('eu.cities', 0, [at(base)], { mirror: { originTopicId: topic.id, expectedEnd } });
  const [first, second, wrong] = await world.settle(Promise.all([append(10, 0), append(12, 12), append(20, 20)]));
  expect(first).toMatchObject({ errorCode: 0, logEnd: 12 });
  expect(second).toMatchObject({ errorCode: 0, logEnd: 14 });
  expect(wrong).toMatchObject({ errorCode: ERROR.OFFSET_OUT_OF_RANGE, logEnd: 14 });
});

test('a fetcher goes on after its broker was killed, with nothing missing and nothing twice', async () => {
  const { world, broker, node, client } = await setUp();
  broker.createTopic('cities', 3);
  const seen: number[][] = [[], [], []];
  const fetcher = client.fetcher();
  const epochs: number[] = [];
  for (const partition of [0, 1, 2]) {
    fetcher.add({
      topic: 'cities',
      partition,
      offset: 0,
      onError: ({ detail }) => expect.fail(detail),
      onLeaderEpoch: (epoch) => epochs.push(epoch),
      onBatches: ({ baseOffset, nextOffset }) => {
        for (let offset = baseOffset; offset < nextOffset; offset++) seen[partition]!.push(offset);
      },
    });
  }
  const write = (): void => {
    for (const partition of [0, 1, 2]) broker.partition('cities', partition).append(batchOf(['a', 'b']));
    broker.wake();
  };
  for (let round = 0; round < 5; round++) {
    write();
    await world.run(world.now() + 50);
    node.kill();
    await world.run(world.now() + 300);
    await world.settle(broker.restart(node.boot()));
    write();
  }
  await world.runUntil(() => seen.every((offsets) => offsets.length === 20), 20_000);
  expect(seen).toEqual([0, 1, 2].map(() => Array.from({ length: 20 }, (_, offset) => offset)));
  expect(Math.max(...epochs)).toBe(5);
});

test('a hole at the end of a log is passed', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const log = broker.partition('cities');
  for (let index = 0; index < 4; index++) log.append(batchOf(['x']));
  log.compact(1, 4);
  const ends: [number, boolean][] = [];
  const handle = client.fetcher().add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onBatches: () => undefined,
    onEnd: (end, hole) => ends.push([end, hole]),
    onError: ({ detail }) => expect.fail(detail),
  });
  await world.runUntil(() => handle.position === 4, 5_000);
  expect(ends).toContainEqual([4, true]);
});

test('a diverged log and a recreated topic are told', async () => {
  const { world, broker, node, client } = await setUp();
  broker.createTopic('cities', 1);
  const log = broker.partition('cities');
  for (let index = 0; index < 4; index++) log.append(batchOf(['x']));
  const errors: FetchFailure[] = [];
  const fetcher = client.fetcher();
  const handle = fetcher.add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onBatches: () => undefined,
    onError: (failure) => errors.push(failure),
  });
  await world.runUntil(() => handle.position === 4, 5_000);
  node.kill();
  log.truncateTo(1);
  await world.settle(broker.restart(node.boot()));
  log.append(batchOf(['other', 'other', 'other', 'other']));
  await world.runUntil(() => errors.length > 0, 5_000);
  expect(errors[0]).toMatchObject({ code: 'diverged', divergence: { epoch: 0, endOffset: 1 } });

  broker.createTopic('cities', 1);
  handle.seek(0);
  await world.runUntil(() => errors.length > 1, 5_000);
  expect(errors[1]).toMatchObject({ code: ERROR.UNKNOWN_TOPIC_ID });
});

test('a paused partition is not fetched, and a seek drops what is under way', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const slices: FetchedSlice[] = [];
  const handle = client.fetcher().add({
    topic: 'cities',
    partition: 0,
    offset: 0,
    onError: () => undefined,
    onBatches: (slice) => slices.push(slice),
  });
  handle.pause();
  for (let index = 0; index < 3; index++) broker.partition('cities').append(batchOf(['x']));
  await world.run(world.now() + 1_000);
  expect(slices).toEqual([]);
  handle.seek(2);
  handle.resume();
  await world.runUntil(() => slices.length > 0, 1_000);
  expect(readBatchHeader(slices[0]!.buffers[0]!).baseOffset).toBe(2);
});

test('with a secret every connection authenticates, and a wrong one is told as such', async () => {
  const right = await setUp({ secret: 'the secret' }, 'the secret');
  right.broker.createTopic('cities', 1);
  expect(await right.world.settle(right.client.leaderOf('cities', 0))).toBe(1);
  const wrong = await setUp({ secret: 'another' }, 'the secret');
  const outcome = wrong.client.metadata('all').catch((error) => error.code);
  expect(await wrong.world.settle(outcome)).toBe('authentication');
});

test('a broker that sends what is not Kafka protocol is told as such, and costs nobody the process', async () => {
  const { world, client } = await setUp({ bootstrap: [{ host: 'odd', port: 1 }] });
  const odd = world.node('odd').boot();
  const listening = odd.net.listen({ host: 'odd', port: 1 }, (connection) => {
    connection.onClose = () => undefined;
    connection.onData = () => connection.write([Buffer.from('HTTP/1.1 400 Bad Request')]);
  });
  await world.settle(listening);
  const outcome = client.metadata('all', { timeoutMs: 2_000 }).catch((error) => error.code);
  expect(await world.settle(outcome)).toBe('protocol');
});

test('a partition that stays unavailable does not hold up the answers of the others beyond retryForMs', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 2);
  broker.partition('cities', 0).append(batchOf(['x']));
  broker.partition('cities', 1).lookUpError = ERROR.KAFKA_STORAGE_ERROR;
  const before = world.now();
  const queries = [0, 1].map((partition) => ({ topic: 'cities', partition, timestamp: LATEST }));
  const listed = await world.settle(client.listOffsets(queries, { retryForMs: 300 }));
  expect(listed.map(({ errorCode, offset }) => [errorCode, offset])).toEqual([
    [ERROR.NONE, 1],
    [ERROR.KAFKA_STORAGE_ERROR, -1],
  ]);
  expect(world.now() - before).toBeLessThan(1_000);
});

test('a partition without a leader is answered as such next to those that have one', async () => {
  const { world, broker, client } = await setUp();
  broker.createTopic('cities', 1);
  const queries = [
    { topic: 'cities', partition: 0, timestamp: LATEST },
    { topic: 'nowhere', partition: 0, timestamp: LATEST },
  ];
  const listed = await world.settle(client.listOffsets(queries, { retryForMs: 300 }));
  expect(listed.map(({ errorCode }) => errorCode)).toEqual([ERROR.NONE, ERROR.LEADER_NOT_AVAILABLE]);
});

import { createClient } from '@meridian/client';
import { FakeBroker } from '@meridian/client/testing';
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { CompactedTopic } from './compacted-topic.ts';
import { type CopyPartition, encodeRunChange, RUNS_TOPIC, type RunChange, runsPartitionOf } from './run-records.ts';
import { RunsStore } from './runs-store.ts';

const COPY = '00000000-0000-4000-8000-0000000000c1';
const PLACE: CopyPartition = { copyId: COPY, partition: 0 };
const tenure = { producerId: 7, producerEpoch: 1, localStart: 0 };
const put = (originStart: number, localStart: number, count: number): RunChange => ({
  type: 'put',
  run: { originEpoch: 1, originStart, localStart, count, tenure },
});

async function setUp(keptRuns?: number) {
  const world = createSimWorld({ seed: 5 });
  const broker = new FakeBroker({ host: 'broker', port: 9092 });
  await world.settle(broker.start(world.node('broker').boot()));
  const io = world.node('client').boot();
  const client = createClient({
    ...{ io, bootstrap: [{ host: 'broker', port: 9092 }], clientId: 'test', log: silentLogger },
  });
  const open = () => new RunsStore({ io, client, mayCreate: true, ...(keptRuns !== undefined && { keptRuns }) });
  await world.settle(open().ensure());
  const write = async (changes: readonly RunChange[], place = PLACE) => {
    const topic = new CompactedTopic({
      ...{ io, client, topic: RUNS_TOPIC, partition: runsPartitionOf(place), onRecord: () => undefined },
    });
    await world.settle(topic.putAll(changes.map((change) => encodeRunChange(place, change))));
    topic.close();
  };
  return { world, broker, open, write };
}

test('what was written before the call is in the answer, and what follows is heard of', async () => {
  const { world, open, write } = await setUp();
  const store = open();
  await write([put(100, 0, 10), put(111, 10, 0)]);
  const runs = await world.settle(store.caughtUp(PLACE));
  expect(runs.originAt(3)).toEqual({ originOffset: 103, originEpoch: 1, fromLocal: 0, untilLocal: 10 });
  expect(runs.originAt(12)).toMatchObject({ originOffset: 113, untilLocal: Number.POSITIVE_INFINITY });
  await write([put(111, 10, 5), put(117, 16, 0)]);
  expect(await world.runUntil(() => runs.size === 3, 2_000)).toBe(true);
  expect(await world.settle(store.load(PLACE))).toMatchObject({
    runs: [{ count: 10 }, { count: 5 }, { count: 0, tenure }],
  });
});

test('translation goes on where it was after a restart and after the bookkeeping was compacted', async () => {
  const { world, broker, open, write } = await setUp();
  await write([put(100, 0, 0)]);
  await write([put(100, 0, 10), put(111, 10, 0)]);
  await write([put(111, 10, 5), put(117, 15, 0), { type: 'lost', range: { from: 200, to: 209 } }, put(210, 23, 0)]);
  const before = (await world.settle(open().caughtUp(PLACE))).between(0, 25);
  const log = broker.partition(RUNS_TOPIC, runsPartitionOf(PLACE));
  log.compact(0, 1); // what the first batch said of run 0 is said again in the second
  const after = (await world.settle(open().caughtUp(PLACE))).between(0, 25);
  for (let at = 90; at < 230; at++) expect(after.toLocal(at)).toEqual(before.toLocal(at));
  expect(after.toLocal(110)).toEqual({ status: 'exact', offset: 10 });
  expect(after.toLocal(203)).toEqual({ status: 'gap', from: 203, to: 209, offset: 23 });
  expect(after.toLocal(213)).toEqual({ status: 'behind', records: 1 });
});

test('runs that were written ahead and have not landed are behind, but for the place where the next record will be', async () => {
  const { world, open, write } = await setUp();
  await write([put(100, 0, 0), put(120, 10, 0), put(140, 15, 0)]);
  const map = (await world.settle(open().caughtUp(PLACE))).between(0, 10);
  expect(map.toLocal(109)).toEqual({ status: 'exact', offset: 9 });
  expect(map.toLocal(115)).toEqual({ status: 'exact', offset: 10 });
  expect(map.toLocal(120)).toEqual({ status: 'exact', offset: 10 });
  expect(map.toLocal(121)).toEqual({ status: 'behind', records: 1 });
  expect(map.toLocal(140)).toEqual({ status: 'behind', records: 20 });
});

test('the end that was skipped is known, until records land behind it', async () => {
  const { world, open, write } = await setUp();
  await write([put(100, 0, 10), { type: 'skipped', originEnd: 112, localEnd: 11 }]);
  const runs = await world.settle(open().caughtUp(PLACE));
  expect(runs.between(0, 10).toLocal(112)).toEqual({ status: 'exact', offset: 11 });
  expect(runs.between(0, 10).toLocal(113)).toEqual({ status: 'behind', records: 1 });
  await write([put(112, 11, 0)]);
  expect(await world.runUntil(() => runs.size === 2, 2_000)).toBe(true);
  expect(runs.between(0, 13).toLocal(113)).toEqual({ status: 'exact', offset: 12 });
});

test('what the copy has deleted is a gap up to its start', async () => {
  const { world, open, write } = await setUp();
  await write([put(100, 0, 10), put(111, 10, 0)]);
  const map = (await world.settle(open().caughtUp(PLACE))).between(12, 20);
  expect(map.toLocal(105)).toEqual({ status: 'gap', from: 105, to: 112, offset: 12 });
  expect(map.toLocal(113)).toEqual({ status: 'exact', offset: 12 });
  expect(map.toOrigin(3)).toEqual({ status: 'gap', from: 3, to: 11, offset: 113 });
});

test('of more runs than may be kept, copies not asked for lately are let go of, and read again when they are', async () => {
  const { world, open, write } = await setUp(20);
  const others = Array.from({ length: 30 }, (_, partition) => ({ copyId: COPY, partition }));
  const sharing = others.filter((place) => runsPartitionOf(place) === runsPartitionOf(PLACE)).slice(0, 3);
  expect(sharing.length).toBeGreaterThan(1);
  for (const place of sharing)
    await write(
      Array.from({ length: 15 }, (_, n) => put(n * 10, n * 5, 5)),
      place,
    );
  const store = open();
  for (const place of [...sharing, ...sharing]) {
    const runs = await world.settle(store.caughtUp(place));
    expect(runs.size).toBe(15);
  }
});

test('several who ask at once are answered by one read', async () => {
  const { world, broker, open, write } = await setUp();
  await write([put(100, 0, 10)]);
  const store = open();
  await world.settle(store.caughtUp(PLACE));
  const before = broker.requests.filter((api) => api === 'ListOffsets').length;
  await world.settle(Promise.all(Array.from({ length: 20 }, () => store.caughtUp(PLACE))));
  expect(broker.requests.filter((api) => api === 'ListOffsets').length - before).toBeLessThanOrEqual(2);
});

test('bytes that are no record of runs are told by whoever asks', async () => {
  const { world, broker, open, write } = await setUp();
  await write([put(100, 0, 10)]);
  const io = world.node('foreign').boot();
  const client = createClient({ io, bootstrap: [{ host: 'broker', port: 9092 }], clientId: 'x', log: silentLogger });
  const topic = new CompactedTopic({
    ...{ io, client, topic: RUNS_TOPIC, partition: runsPartitionOf(PLACE), onRecord: () => undefined },
  });
  await world.settle(topic.put(Buffer.from('what'), Buffer.from('ever')));
  await expect(world.settle(open().caughtUp(PLACE))).rejects.toMatchObject({ code: 'run-record' });
  expect(broker.requests.length).toBeGreaterThan(0);
});

test('a reader at the end of a copy goes on, at the origin, where the run begins that is planned there, and not at the one behind', async () => {
  const { world, open, write } = await setUp();
  await write([put(0, 2, 7), put(7, 10, 0), put(12, 15, 0)]);
  const runs = await world.settle(open().caughtUp(PLACE));
  const beforeIt = runs.between(0, 10);
  expect(beforeIt.toOrigin(10)).toEqual({ status: 'exact', offset: 7 });
  expect(beforeIt.toLocal(7)).toEqual({ status: 'exact', offset: 10 });
  const within = runs.between(0, 13);
  expect(within.toOrigin(13)).toEqual({ status: 'exact', offset: 10 });
  const landed = runs.between(0, 15);
  expect(landed.toOrigin(15)).toEqual({ status: 'exact', offset: 12 });
});

test('where a run goes on that has not landed as a whole, a position is not taken for one behind the run that is planned next', async () => {
  const { world, open, write } = await setUp();
  await write([put(16, 6, 0), put(24, 13, 0)]);
  const map = (await world.settle(open().caughtUp(PLACE))).between(0, 8);
  expect(map.toLocal(17)).toEqual({ status: 'exact', offset: 7 });
  expect(map.toLocal(18)).toEqual({ status: 'exact', offset: 8 });
  expect(map.toLocal(20)).toEqual({ status: 'behind', records: 2 });
  const landed = (await world.settle(open().caughtUp(PLACE))).between(0, 13);
  expect(landed.toLocal(23)).toEqual({ status: 'exact', offset: 13 });
  expect(landed.toLocal(24)).toEqual({ status: 'exact', offset: 13 });
});

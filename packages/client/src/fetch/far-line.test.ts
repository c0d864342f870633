/** Fetches over a long way, of which several are under way at a time, in a simulated world. */
import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { compress, ERROR, MIRROR_FEATURE, READS_ON_LEVEL } from '@meridian/protocol';
import { CODECS, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker } from '../testing/fake-broker.ts';
import type { FetchHandle } from './fetch-types.ts';

/** Large enough for memory that is used again. */
const VALUE_BYTES = 17_000;
const AHEAD = 14;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ONE_WAY_MS = 50;
const ROUND_TRIP_MS = 2 * ONE_WAY_MS;

function batch(): Buffer {
  const records = [{ timestamp: 1, key: null, value: new Uint8Array(VALUE_BYTES), headers: [] }];
  const bytes = writeBatch({ records });
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A fetcher of which an answer holds a batch each of two partitions. */
async function setUp({
  partitions = 1,
  level = READS_ON_LEVEL,
  seed = 7,
  batches = 1,
  isPacked = false,
  waitingBytes = (): number => 0,
} = {}) {
  const world = createSimWorld({ seed });
  const broker = new FakeBroker({ host: 'broker', port: 9093, features: [MIRROR_FEATURE], level });
  const node = world.node('broker');
  await world.settle(broker.start(node.boot()));
  broker.createTopic('cities', partitions);
  const io = world.node('client').boot();
  world.link('broker', 'client').set({ latencyMs: [ONE_WAY_MS, ONE_WAY_MS] });
  const bootstrap = [{ host: 'broker', port: 9093 }];
  const client = createClient({ io, bootstrap, clientId: 'test', log: silentLogger });
  const fetcher = client.fetcher({
    maxBytes: 2.5 * VALUE_BYTES,
    partitionMaxBytes: 1.3 * batches * VALUE_BYTES,
    adaptive: { maxBytes: 5 * VALUE_BYTES, maxAheadBytes: AHEAD * VALUE_BYTES, waitingBytes },
    memory: io.memory,
    ...(isPacked && { compression: { codec: 'lz4', zstd: io.zstd } }),
  });
  const came: number[][] = Array.from({ length: partitions }, () => []);
  const troubles: string[] = [];
  const holes: number[] = [];
  const handles: FetchHandle[] = Array.from({ length: partitions }, (_, partition) =>
    fetcher.add({
      topic: 'cities',
      partition,
      offset: 0,
      onBatches: ({ baseOffset, nextOffset, buffers }) => {
        for (let offset = baseOffset; offset < nextOffset; offset++) came[partition]!.push(offset);
        if (buffers.some((bytes) => bytes[MAGIC_AT] !== 2)) troubles.push('records that were overwritten');
      },
      onError: ({ detail }) => troubles.push(`${partition}: ${detail}`),
      onEnd: (_end, hole) => hole && holes.push(partition),
    }),
  );
  const append = (partition: number, count: number): void => {
    for (let index = 0; index < count; index++) broker.partition('cities', partition).append(batch());
    broker.wake();
  };
  const pass = (ms: number) => world.run(world.now() + ms);
  const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
  return { world, broker, node, io, fetcher, handles, came, troubles, holes, append, pass, numbers };
}

const all = 120;

test('answers follow each other without a round trip between them', async () => {
  const { world, came, append, numbers, broker } = await setUp();
  append(0, all);
  const begun = world.now();
  await world.runUntil(() => came[0]!.length >= all, 60_000);
  expect(came[0]).toEqual(numbers(all));
  expect((world.now() - begun) / ROUND_TRIP_MS).toBeLessThan(all / 5);
  expect(broker.fetchesNamed.filter((named) => named > 0).length).toBeLessThan(6);
});

test('a leader of an older release, which reads on for nobody, is asked for larger answers instead', async () => {
  const { world, came, append, numbers, broker } = await setUp({ level: 1 });
  append(0, all);
  await world.runUntil(() => came[0]!.length >= all, 60_000);
  expect(came[0]).toEqual(numbers(all));
  const fetches = broker.requests.filter((api) => api === 'Fetch').length;
  expect(fetches).toBeLessThan(all / 2);
});

test('when nothing is left, one request waits, and what comes then is heard of after one way', async () => {
  const { world, came, append, pass, broker } = await setUp();
  append(0, all);
  await world.runUntil(() => came[0]!.length >= all, 60_000);
  await pass(2_000);
  broker.requests.length = 0;
  await pass(2_000);
  expect(broker.requests.filter((api) => api === 'Fetch').length).toBeLessThan(6);
  append(0, 1);
  await pass(ONE_WAY_MS + ROUND_TRIP_MS);
  expect(came[0]!.length).toBe(all + 1);
});

test('what was under way when a partition paused still comes, and later it goes on behind that', async () => {
  const { world, came, append, handles, pass, numbers } = await setUp({ partitions: 2 });
  append(0, all);
  append(1, all);
  await world.runUntil(() => came[0]!.length >= 50, 60_000);
  handles[0]!.pause();
  await pass(2 * ROUND_TRIP_MS);
  const paused = came[0]!.length;
  expect(paused).toBeLessThan(50 + AHEAD + 5);
  await pass(2 * ROUND_TRIP_MS);
  expect(came[0]!.length).toBe(paused);
  expect(handles[0]!.position).toBe(paused);
  handles[0]!.resume();
  await world.runUntil(() => came.every(({ length }) => length >= all), 60_000);
  expect(came).toEqual([numbers(all), numbers(all)]);
});

test('what came and is not done with yet makes less be under way, and nothing stand still', async () => {
  let waitingBytes = 0;
  const { world, came, append, numbers } = await setUp({ waitingBytes: () => waitingBytes });
  append(0, all);
  await world.runUntil(() => came[0]!.length >= 30, 60_000);
  waitingBytes = AHEAD * VALUE_BYTES;
  await world.runUntil(() => came[0]!.length >= 60, 60_000);
  const slowly = world.now();
  await world.runUntil(() => came[0]!.length >= 70, 60_000);
  expect((world.now() - slowly) / ROUND_TRIP_MS).toBeGreaterThan(9);
  const fast = world.now();
  waitingBytes = 0;
  await world.runUntil(() => came[0]!.length >= all, 60_000);
  expect(came[0]).toEqual(numbers(all));
  expect((world.now() - fast) / ROUND_TRIP_MS).toBeLessThan(20);
});

test('a seek leaves all that is under way undelivered', async () => {
  const { world, came, append, handles, numbers } = await setUp();
  append(0, all);
  await world.runUntil(() => came[0]!.length >= 50, 60_000);
  came[0]!.length = 0;
  handles[0]!.seek(20);
  await world.runUntil(() => came[0]!.length >= all - 20, 60_000);
  expect(came[0]).toEqual(numbers(all - 20, 20));
});

test('a bad batch in the middle ends the delivery there, whatever else is under way', async () => {
  const { world, broker, came, troubles, append, pass, numbers } = await setUp();
  append(0, all);
  broker.partition('cities').batches[90]![MAGIC_AT] = 7;
  await world.runUntil(() => troubles.length > 0, 60_000);
  await pass(10 * ROUND_TRIP_MS);
  expect(came[0]).toEqual(numbers(90));
  expect(troubles).toEqual(['0: a batch of magic 7 at offset 90']);
});

test('a hole in the log is passed', async () => {
  const { world, broker, came, append, numbers } = await setUp();
  append(0, all);
  broker.partition('cities').compact(50, 80);
  await world.runUntil(() => came[0]!.length >= all - 30, 60_000);
  expect(came[0]).toEqual([...numbers(50), ...numbers(40, 80)]);
});

test('a hole beside a partition that always has something is passed, too', async () => {
  const { world, broker, came, holes, append } = await setUp({ partitions: 2 });
  append(1, 40);
  broker.partition('cities', 1).compact(10, 40);
  append(0, 10 * all);
  await world.runUntil(() => holes.length > 0 || came[0]!.length >= 10 * all, 60_000);
  expect([holes, came[0]!.length < 5 * all]).toEqual([[1], true]);
});

test('an error is told once, however much is under way', async () => {
  const { world, broker, came, troubles, append, pass } = await setUp();
  append(0, all);
  await world.runUntil(() => came[0]!.length >= 40, 60_000);
  broker.partition('cities').advanceStart(100);
  await pass(10 * ROUND_TRIP_MS);
  expect(troubles).toEqual(['0: OFFSET_OUT_OF_RANGE']);
});

test('who goes back to where a leader was told to begin is read from there', async () => {
  const { world, came, append, handles, numbers } = await setUp();
  append(0, all);
  for (const offset of [3, 3, 2, 2]) {
    await world.runUntil(() => came[0]!.length >= 60, 60_000);
    came[0]!.length = 0;
    handles[0]!.seek(offset, 0);
    await world.runUntil(() => came[0]!.length >= 60, 60_000);
    expect(came[0]!.slice(0, 60)).toEqual(numbers(60, offset));
  }
});

test.each([61, 62])(
  'a batch that was cut off ends the delivery there, the last one of an answer or not (%i)',
  async (at) => {
    const { world, broker, came, troubles, append, pass, numbers } = await setUp({ batches: 2 });
    append(0, all);
    broker.partition('cities').batches[at]!.writeInt32BE(9 * VALUE_BYTES, LENGTH_AT);
    await world.runUntil(() => troubles.length > 0, 60_000);
    await pass(10 * ROUND_TRIP_MS);
    expect([came[0], troubles]).toEqual([numbers(at), [`0: no whole batch at offset ${at}`]]);
  },
);

test('one that takes longer to unpack holds up those behind it, which stay what they were', async () => {
  const { world, broker, came, troubles, append, numbers } = await setUp({ isPacked: true });
  let count = 0;
  broker.packs = (plain, codec) => {
    const isOne = count++ % 3 === 0 && codec !== 0;
    return isOne
      ? { block: Buffer.from(compress(CODECS[codec]!, plain)), codec, sizeInBytes: plain.length }
      : undefined;
  };
  append(0, all);
  await world.runUntil(() => came[0]!.length >= all, 60_000);
  expect([came[0], troubles]).toEqual([numbers(all), []]);
});

test.each([1, 2, 3, 4, 5])('everything comes once and in order, whatever happens (seed %i)', async (seed) => {
  const { world, broker, node, came, troubles, handles, fetcher, append, pass, numbers } = await setUp({
    partitions: 3,
    seed,
  });
  const random = world.random;
  const pick = (count: number) => Math.floor(random.next() * count);
  for (let partition = 0; partition < 3; partition++) append(partition, all);
  const events: readonly (() => unknown)[] = [
    () => handles[pick(3)]!.pause(),
    () => handles[pick(3)]!.resume(),
    () => fetcher.pause(),
    () => fetcher.resume(),
    () => broker.sessions.clear(),
    () => {
      broker.intercept = (api) => (api === 'Fetch' && random.next() < 0.5 ? ERROR.NOT_LEADER_OR_FOLLOWER : undefined);
    },
    () => {
      broker.intercept = (api) => (api === 'Fetch' && random.next() < 0.2 ? 'drop' : undefined);
    },
    () => {
      broker.intercept = undefined;
    },
    async () => {
      node.kill();
      await pass(pick(300));
      await world.settle(broker.restart(node.boot()));
    },
  ];
  for (let count = 0; count < 40; count++) {
    await pass(pick(120));
    await events[pick(events.length)]!();
  }
  broker.intercept = undefined;
  fetcher.resume();
  for (const handle of handles) handle.resume();
  await world.runUntil(() => came.every(({ length }) => length >= all), 60_000);
  expect([came, troubles]).toEqual([[numbers(all), numbers(all), numbers(all)], []]);
});

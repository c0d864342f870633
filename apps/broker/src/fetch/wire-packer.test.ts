/** Answers to Fetch that a far mirror wants compressed: what is, what is not, and that it is the same records. */
import { randomBytes } from 'node:crypto';
import type { Zstd } from '@meridian/io';
import { compress, decompress, Fetch, Produce } from '@meridian/protocol';
import { CODECS } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type BrokerLimits, DEFAULT_LIMITS } from '../limits.ts';
import { fetchError } from '../partition/read.ts';
import { batchOf, produceOf } from '../testing/batches.ts';
import { createTopic, fetchOf, startTestBroker } from '../testing/test-broker.ts';
import type { TestConnection } from '../testing/test-connection.ts';
import { type PackedPartition, WirePacker } from './wire-packer.ts';

const [ZSTD, LZ4] = [CODECS.indexOf('zstd'), CODECS.indexOf('lz4')];
const city = (n: number): string => JSON.stringify({ city: `city ${n % 7}`, temperature: n % 40, note: 'as measured' });
const cities = Array.from({ length: 4_000 }, (_, n) => city(n));

async function start() {
  const broker = await startTestBroker();
  const topic = await createTopic(broker, 'orders');
  const mirror = await broker.connectInternal();
  const produce = (batch: Buffer, index = 0) => mirror.request(Produce, 12, produceOf('orders', batch, { index }));
  const ask = (connection: TestConnection, wireCodec: number, maxWaitMs = 100) =>
    connection.send(Fetch, 12, { ...fetchOf(topic, { fetchOffset: 0, maxWaitMs }, [0, 1]), wireCodec });
  const told = async (connection: TestConnection) => (await connection.receive(Fetch, 12)).responses[0]!.partitions;
  const fetch = (connection: TestConnection, wireCodec: number) => {
    ask(connection, wireCodec);
    return told(connection);
  };
  return { broker, mirror, produce, ask, told, fetch };
}

const bytesOf = ({ records }: { records: readonly Buffer[] | null }): Buffer => Buffer.concat(records ?? []);

test.each([
  ['zstd', ZSTD],
  ['lz4', LZ4],
] as const)('by %s a partition comes as one block of the very bytes that it has', async (name, codec) => {
  const { mirror, produce, fetch } = await start();
  for (let at = 0; at < cities.length; at += 500) await produce(batchOf(cities.slice(at, at + 500)));
  await produce(batchOf(['one city']), 1);
  const [plain, small] = (await fetch(mirror, 0)).map(bytesOf) as [Buffer, Buffer];
  for (let round = 0; round < 3; round++) {
    const [packed, asItLies] = await fetch(mirror, codec);
    expect(packed!.packed).toEqual({ codec, sizeInBytes: plain.length });
    expect(bytesOf(packed!).length).toBeLessThan(plain.length / 3);
    expect(plain.equals(decompress(name, bytesOf(packed!), plain.length))).toBe(true);
    expect([asItLies!.packed, bytesOf(asItLies!).equals(small)]).toEqual([null, true]);
  }
});

test('who waits at the tail gets what comes compressed, too', async () => {
  const { mirror, broker, produce, ask, told, fetch } = await start();
  const waiting = await broker.connectInternal();
  ask(waiting, ZSTD, 60_000);
  await produce(batchOf(cities.slice(0, 500)));
  expect((await told(waiting))[0]!.packed?.sizeInBytes).toBe(bytesOf((await fetch(mirror, 0))[0]!).length);
});

test('batches that their producer compressed go as they lie', async () => {
  const { mirror, produce, fetch } = await start();
  await produce(batchOf(cities, { codec: 'zstd', compress }));
  const [plain] = await fetch(mirror, 0);
  for (const codec of [ZSTD, LZ4]) {
    const [told] = await fetch(mirror, codec);
    expect([told!.packed, bytesOf(told!).equals(bytesOf(plain!))]).toEqual([null, true]);
  }
});

test.each([ZSTD, LZ4])('noise goes as it lies, beside what gets smaller (codec %i)', async (codec) => {
  const { packer, held } = packerWith((bytes) => Promise.resolve(compress('zstd', bytes) as Buffer));
  const noise = randomBytes(300_000).fill(0, 0, 61);
  const parts = [noise, batchOf(cities)].map((bytes, index) => partOf(index, [bytes]));
  const told = await new Promise<readonly PackedPartition[]>((resolve) => packer.pack(codec, parts, resolve));
  expect(told[0]).toBe(parts[0]);
  expect(told[1]!.packed).toEqual({ codec, sizeInBytes: parts[1]!.bytes });
  await new Promise((resolve) => setImmediate(resolve));
  expect(held.size).toBe(0);
});

test('clients, and codecs that nobody compresses with, get records as they lie', async () => {
  const { broker, mirror, produce, fetch } = await start();
  await produce(batchOf(cities));
  const plain = bytesOf((await fetch(mirror, 0))[0]!);
  const client = await broker.connect();
  for (const [connection, codec] of [
    [client, ZSTD],
    [mirror, 1],
    [mirror, 2],
    [mirror, 77],
    [mirror, -1],
  ] as const) {
    const [told] = await fetch(connection, codec);
    expect([told!.packed, bytesOf(told!).equals(plain)]).toEqual([null, true]);
  }
});

test('who goes away while an answer is compressed takes nobody with him', async () => {
  const { broker, mirror, produce, ask, fetch } = await start();
  await produce(batchOf(cities));
  for (let n = 0; n < 20; n++) {
    const gone = await broker.connectInternal();
    ask(gone, ZSTD);
    await broker.world.run(broker.world.now() + n / 10);
    gone.socket.destroy();
  }
  expect((await fetch(mirror, ZSTD))[0]!.packed?.codec).toBe(ZSTD);
});

test('where too much waits for it, or it fails, records go as they lie', async () => {
  let fail: (error: Error) => void = () => undefined;
  const { packer, held } = packerWith(() => new Promise((_, reject) => (fail = reject)), { maxPackedBytes: 10_000 });
  const part = partOf(0, [batchOf(cities)]);
  const answers: (readonly object[])[] = [];
  packer.pack(ZSTD, [part], (told) => answers.push(told));
  expect([answers.length, held.size]).toEqual([0, 1]);
  packer.pack(ZSTD, [part], (told) => answers.push(told));
  expect(answers).toEqual([[part]]);
  fail(new Error('no memory'));
  await new Promise((resolve) => setImmediate(resolve));
  expect([answers, held.size]).toEqual([[[part], [part]], 0]);
});

function packerWith(zstd: Zstd['compress'], limits: Partial<BrokerLimits> = {}) {
  const held = new Set<Uint8Array>();
  const memory = {
    leastBytes: 0,
    take: (size: number) => Buffer.alloc(size),
    hold: (bytes: Uint8Array) => void held.add(bytes),
    release: (bytes: Uint8Array) => void held.delete(bytes),
  };
  const timers = { defer: (run: () => void) => void setImmediate(run) };
  const packs = { compress: zstd } as Zstd;
  return { packer: new WirePacker({ zstd: packs, memory, timers, limits: { ...DEFAULT_LIMITS, ...limits } }), held };
}

const partOf = (index: number, records: readonly Buffer[]) => ({
  ...fetchError(index, 0),
  ...{ records, bytes: records.reduce((sum, { length }) => sum + length, 0) },
});

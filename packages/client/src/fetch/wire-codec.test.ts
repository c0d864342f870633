/** Records that come compressed over the line: as they were, or not at all. */

import { silentLogger } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { compress } from '@meridian/protocol';
import { CODECS, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { createClient } from '../client.ts';
import { FakeBroker, type Packer } from '../testing/fake-broker.ts';
import type { WireCodecName } from './fetch-types.ts';

const [ZSTD, LZ4] = [CODECS.indexOf('zstd'), CODECS.indexOf('lz4')];
const RECORDS = 2_000;

function batch(): Buffer {
  const value = Buffer.from('a city that is like all the others, and its temperature');
  const records = Array.from({ length: RECORDS }, () => ({ timestamp: 1, key: null, value, headers: [] }));
  return Buffer.from(writeBatch({ records }));
}

const honest: Packer = (plain, codec) =>
  codec === 0 ? undefined : { block: Buffer.from(compress(CODECS[codec]!, plain)), codec, sizeInBytes: plain.length };

async function setUp(packs: Packer | undefined, codec: WireCodecName | undefined) {
  const world = createSimWorld({ seed: 11 });
  const broker = new FakeBroker({ host: 'broker', port: 9092, features: ['meridian.mirror'] });
  broker.packs = packs;
  broker.createTopic('cities', 2);
  await world.settle(broker.start(world.node('broker').boot()));
  const io = world.node('client').boot();
  const client = createClient({ io, bootstrap: [{ host: 'broker', port: 9092 }], clientId: 't', log: silentLogger });
  const fetcher = client.fetcher({ memory: io.memory, ...(codec && { compression: { codec, zstd: io.zstd } }) });
  const got: Buffer[][] = [[], []];
  const wire = [0, 0];
  const troubles: string[] = [];
  for (const partition of [0, 1]) {
    fetcher.add({
      ...{ topic: 'cities', partition, offset: 0 },
      onBatches: ({ buffers, wireBytes }) => {
        got[partition]!.push(...buffers.map((bytes) => Buffer.from(bytes)));
        wire[partition]! += wireBytes;
      },
      onError: ({ code, detail }) => troubles.push(`error ${code}: ${detail}`),
      onRetry: (reason) => troubles.push(reason),
    });
  }
  const pass = (ms: number) => world.run(world.now() + ms);
  const append = (partition: number) => {
    broker.partition('cities', partition).append(batch());
    broker.wake();
  };
  const isWhole = (partition: number): boolean => {
    const lies = Buffer.concat(broker.partition('cities', partition).batches);
    return lies.equals(Buffer.concat(got[partition]!));
  };
  return { broker, fetcher, got, wire, troubles, pass, append, isWhole };
}

test.each(['zstd', 'lz4'] as const)(
  'by %s they are what they were, and it is told what came over the line',
  async (codec) => {
    const { fetcher, wire, troubles, pass, append, isWhole } = await setUp(honest, codec);
    for (let round = 0; round < 3; round++) {
      append(0);
      append(1);
      append(1);
      await pass(200);
    }
    expect([isWhole(0), isWhole(1), troubles]).toEqual([true, true, []]);
    const { wireBytes, recordBytes, plainLeaders } = fetcher.traffic;
    expect([recordBytes, plainLeaders]).toEqual([9 * batch().length, []]);
    expect(wireBytes).toBeLessThan(recordBytes / 10);
    expect(wire[0]! + wire[1]!).toBe(wireBytes);
  },
);

test('a leader of an older release is not asked, and it is told which', async () => {
  const { fetcher, pass, append, isWhole } = await setUp(undefined, 'zstd');
  append(0);
  await pass(200);
  const bytes = batch().length;
  expect(isWhole(0)).toBe(true);
  expect(fetcher.traffic).toEqual({ wireBytes: bytes, recordBytes: bytes, plainLeaders: [1] });
});

test('who does not ask gets them as they lie', async () => {
  const { fetcher, pass, append, isWhole } = await setUp(honest, undefined);
  append(0);
  await pass(200);
  expect([isWhole(0), fetcher.traffic.wireBytes, fetcher.traffic.plainLeaders]).toEqual([true, batch().length, []]);
});

test('what gains nothing may come as it lies, beside what is compressed', async () => {
  let answers = 0;
  const { troubles, pass, append, isWhole } = await setUp(
    (plain, codec) => (answers++ % 2 ? undefined : honest(plain, codec)),
    'zstd',
  );
  append(0);
  append(1);
  await pass(300);
  append(0);
  append(1);
  await pass(300);
  expect([isWhole(0), isWhole(1), troubles]).toEqual([true, true, []]);
});

const bomb = Buffer.from(compress('zstd', Buffer.alloc(50_000_000)));
const BAD: readonly (readonly [string, WireCodecName, Packer, RegExp])[] = [
  ['a bomb', 'zstd', () => ({ block: bomb, codec: ZSTD, sizeInBytes: 1_000 }), /more than 1000 bytes/],
  [
    'an lz4 bomb',
    'lz4',
    () => ({ block: Buffer.from(compress('lz4', Buffer.alloc(9_000_000))), codec: LZ4, sizeInBytes: 10 }),
    /lz4/,
  ],
  [
    'more than any answer has',
    'zstd',
    () => ({ block: bomb, codec: ZSTD, sizeInBytes: 2 ** 31 - 1 }),
    /more than an answer may hold/,
  ],
  [
    'a size below nothing',
    'zstd',
    () => ({ block: bomb, codec: ZSTD, sizeInBytes: -1 }),
    /more than an answer may hold/,
  ],
  [
    'a block cut off',
    'zstd',
    (plain, codec) => ({ ...honest(plain, codec)!, block: honest(plain, codec)!.block.subarray(0, -3) }),
    /cut off|unexpected end/,
  ],
  [
    'a codec that nobody knows',
    'zstd',
    (plain, codec) => ({ ...honest(plain, codec)!, codec: 99 }),
    /codec 99 is not known/,
  ],
  [
    'less than was announced',
    'zstd',
    (plain, codec) => ({ ...honest(plain, codec)!, sizeInBytes: plain.length + 9 }),
    /were announced/,
  ],
  ['nothing', 'lz4', (plain) => ({ block: Buffer.alloc(0), codec: LZ4, sizeInBytes: plain.length }), /were announced/],
  ['noise', 'lz4', (plain) => ({ block: Buffer.alloc(999, 7), codec: LZ4, sizeInBytes: plain.length }), /no frame/],
];

test.each(BAD)(
  '%s fails that fetch with a reason, and the partition goes on when it is better',
  async (_, codec, packs, reason) => {
    const { broker, fetcher, troubles, pass, append, isWhole } = await setUp(honest, codec);
    append(1);
    await pass(200);
    let bad = 0;
    broker.packs = (plain, wireCodec) => {
      bad++;
      return packs(plain, wireCodec);
    };
    append(0);
    await pass(2_000);
    expect(bad).toBeGreaterThan(1);
    expect(bad).toBeLessThan(60);
    expect(troubles[0]).toMatch(reason);
    expect(troubles.filter((told) => told.startsWith('error'))).toEqual([]);
    broker.packs = honest;
    append(1);
    await pass(3_000);
    expect([isWhole(0), isWhole(1)]).toEqual([true, true]);
    expect(fetcher.traffic.wireBytes).toBeGreaterThan(0);
  },
);

test('records that are compressed though nobody asked are not taken for batches', async () => {
  const { broker, troubles, pass, append, isWhole } = await setUp((plain) => honest(plain, ZSTD), undefined);
  append(0);
  await pass(500);
  expect(new Set(troubles)).toEqual(new Set(['the records came compressed and cannot be read: nobody asked for that']));
  broker.packs = honest;
  await pass(2_000);
  expect(isWhole(0)).toBe(true);
});

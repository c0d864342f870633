/** Links that compress on the wire, between real brokers a long way apart: what lands is what was there, byte for byte. */
import { createBroker } from '@meridian/broker';
import { type Client, createClient } from '@meridian/client';
import { type Io, IoError, silentLogger, type Zstd } from '@meridian/io';
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { createMirror, type Mirror, type MirrorOptions } from '@meridian/mirror';
import { batchSizeInBytes, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { brokerConfig, brokerHost, PORTS, REGIONS, SECRET } from './topology.ts';

const log = silentLogger;
const [US, EU] = REGIONS;
const PARTITIONS = 2;
const LATENCY_MS = [45, 55] as const;
const BATCH_RECORDS = 150;
/** Each side's own: of a copy it is not its origin's. */
const LEADER_EPOCH = [12, 16] as const;

type Terms = { compression: 'none' | 'zstd' | 'lz4'; bandwidthBytesPerSecond?: number };

class Stage {
  readonly world: SimWorld;
  readonly nodes: SimNode[] = [];
  mirror!: Mirror;
  source!: Client;
  private app!: Io;
  private written = 0;

  constructor(seed: number) {
    this.world = createSimWorld({ seed });
  }

  /** `spoil`: stands in for the mirror's zstd. */
  async start(
    terms: Terms,
    spoil: (zstd: Zstd) => Zstd = (zstd) => zstd,
    limits: MirrorOptions['limits'] = {},
  ): Promise<this> {
    for (const plan of REGIONS) {
      this.nodes.push(this.world.node(`${plan.name}/broker`, { host: brokerHost(plan.name, 1) }));
      await this.bootBroker(this.nodes.length - 1);
    }
    this.app = this.world.node('app').boot();
    this.source = this.clientOf(US.name);
    await this.world.settle(this.source.createTopics([{ name: 'cities', numPartitions: PARTITIONS }]));
    this.world.link('mirror', `${US.name}/broker`).set({ latencyMs: LATENCY_MS });
    const io = this.world.node('mirror').boot();
    const config = {
      ...{ region: EU.name, secret: SECRET, memberId: 'mirror' },
      target: { bootstrap: [addressOf(EU.name)] },
      sources: [{ region: US.name, bootstrap: [addressOf(US.name)] }],
      links: [{ from: US.name, to: EU.name, ...terms }],
      management: { host: 'mirror', port: PORTS.management },
    };
    const given = { ...io, zstd: spoil(io.zstd) };
    this.mirror = await this.world.settle(createMirror({ io: given, config, log, listen: false, limits }));
    return this;
  }

  async bootBroker(index: number): Promise<void> {
    const config = brokerConfig(REGIONS[index]!, [1], 1);
    await this.world.settle(createBroker({ io: this.nodes[index]!.boot(), config, log }));
  }

  /** So many batches of some 20 KB for each partition. */
  async write(batches: number): Promise<void> {
    const sent: Promise<unknown>[] = [];
    for (let left = batches * PARTITIONS; left > 0; left--) {
      const records = Array.from({ length: BATCH_RECORDS }, () => recordOf(this.written++));
      sent.push(this.source.produce('cities', left % PARTITIONS, [Buffer.from(writeBatch({ records }))]));
    }
    await this.world.settle(Promise.all(sent));
  }

  get wire() {
    return this.mirror.status()[0]!.wire;
  }

  /** Whether both sides have so many records of each partition. */
  has(end: number): boolean {
    const { partitions } = this.mirror.status()[0]!;
    return partitions.length === PARTITIONS && partitions.every(({ position }) => position === end);
  }

  /** What a partition holds, but for the leader epochs. */
  async read(region: string, topic: string, partition: number, end: number): Promise<Buffer> {
    const client = this.clientOf(region);
    const found: Buffer[] = [];
    let position = 0;
    client.fetcher().add({
      ...{ topic, partition, offset: 0 },
      onBatches: ({ buffers, nextOffset }) => {
        position = nextOffset;
        for (const bytes of buffers) found.push(withoutEpochs(Buffer.from(bytes)));
      },
      onError: ({ detail }) => {
        throw new Error(detail);
      },
    });
    expect(await this.world.runUntil(() => position === end, 60_000)).toBe(true);
    await this.world.settle(client.close());
    return Buffer.concat(found);
  }

  async expectSame(end: number): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const origin = await this.read(US.name, 'cities', partition, end);
      const copy = await this.read(EU.name, `${US.name}.cities`, partition, end);
      expect(copy.equals(origin)).toBe(true);
    }
  }

  /** As the management port answers. */
  verify(): Promise<unknown> {
    const route = this.mirror.routes.find(({ path }) => path === '/v1/verify')!;
    const query = { topic: 'cities' };
    return this.world.settle(Promise.resolve(route.handle({ params: {}, query, body: undefined } as never)));
  }

  private clientOf(region: string): Client {
    const { app } = this;
    return createClient({ io: app, bootstrap: [addressOf(region)], clientId: 'app', secret: SECRET, log });
  }
}

const addressOf = (region: string) => ({ host: brokerHost(region, 1), port: PORTS.internal });

function recordOf(n: number) {
  const value = Buffer.from(
    JSON.stringify({ city: `city ${n % 97}`, temperature: (n * 31) % 400, note: 'as measured' }),
  );
  return { timestamp: n, key: Buffer.from(`${n}`), value, headers: [] };
}

function withoutEpochs(bytes: Buffer): Buffer {
  for (let at = 0; at < bytes.length; at += batchSizeInBytes(bytes, at))
    bytes.fill(0, at + LEADER_EPOCH[0], at + LEADER_EPOCH[1]);
  return bytes;
}

test.each(['zstd', 'lz4'] as const)(
  'by %s a fraction crosses the line, also over a restart of the origin',
  async (compression) => {
    const stage = await new Stage(21).start({ compression });
    await stage.write(80);
    expect(await stage.world.runUntil(() => stage.has(80 * BATCH_RECORDS), 60_000)).toBe(true);
    const { codec, wireBytes, recordBytes, off } = stage.wire!;
    expect([codec, off]).toEqual([compression, null]);
    expect(recordBytes).toBeGreaterThan(80 * PARTITIONS * 10_000);
    expect(wireBytes).toBeLessThan(recordBytes / 3);

    await stage.write(60);
    stage.nodes[0]!.kill();
    await stage.bootBroker(0);
    await stage.write(10);
    expect(await stage.world.runUntil(() => stage.has(150 * BATCH_RECORDS), 60_000)).toBe(true);
    await stage.expectSame(150 * BATCH_RECORDS);
    const equal = { end: 150 * BATCH_RECORDS, records: 150 * BATCH_RECORDS, difference: null, error: null };
    expect(await stage.verify()).toMatchObject({ topics: [{ isEqual: true, partitions: [equal, equal] }] });
  },
);

test('answers that cannot be read, while others are under way behind them, leave nothing out', async () => {
  let calls = 0;
  let failed = 0;
  const spoil = (zstd: Zstd): Zstd => ({
    ...zstd,
    decompress: (bytes, maxBytes) => {
      if (calls++ % 5 !== 3) return zstd.decompress(bytes, maxBytes);
      failed++;
      return Promise.reject(new IoError('corrupt', 'damaged on its way'));
    },
  });
  const small = { fetchMaxBytes: 100_000, fetchPartitionMaxBytes: 50_000 };
  const stage = await new Stage(23).start({ compression: 'zstd' }, spoil, small);
  for (let round = 0; round < 4; round++) await stage.write(60);
  expect(await stage.world.runUntil(() => stage.has(240 * BATCH_RECORDS), 120_000)).toBe(true);
  expect(failed).toBeGreaterThan(20);
  await stage.expectSame(240 * BATCH_RECORDS);
});

test('a limit of bandwidth is one of the line: compressed, more goes through it', async () => {
  const bandwidthBytesPerSecond = 200_000;
  const lastedMs = async (compression: Terms['compression']): Promise<number> => {
    const stage = await new Stage(22).start({ compression, bandwidthBytesPerSecond });
    await stage.write(90);
    const beganMs = stage.world.now();
    expect(await stage.world.runUntil(() => stage.has(90 * BATCH_RECORDS), 120_000)).toBe(true);
    return stage.world.now() - beganMs;
  };
  expect(await lastedMs('zstd')).toBeLessThan((await lastedMs('none')) / 2);
});

/**
 * Three regions, each linked to each other, with two mirrors in each: what is written anywhere is read everywhere, once;
 * copies are never copied on; a client moves on to any region; and the mirrors of a region take over from one another.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type SubscribeFrom } from '@meridian/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kafkaClient, writeNumbered } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, startLocalPlatform } from '../testing/local-platform.ts';
import { writeRegions } from '../testing/regions-folder.ts';
import { startReader } from '../testing/sdk-reader.ts';

const REGIONS = ['us-east', 'eu-west', 'ap-south'];
const COUNT = 3_000;
const folder = mkdtempSync(join(tmpdir(), 'mesh-'));
let platform: LocalPlatform;

beforeAll(async () => {
  const given = process.env.MERIDIAN_TEST_REGIONS;
  if (given === undefined) writeRegions(folder, new Map(), true);
  platform = await startLocalPlatform({ portOffset: 14_000, mirrors: 2, regions: given ?? folder });
}, 90_000);
afterAll(async () => {
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const write = (region: string, topic: string, prefix: string, count: number): Promise<void> =>
  writeNumbered(platform.kafka(region), topic, prefix, count);

test('what is written in each of three regions is read in all of them, once and in order', async () => {
  const token = await platform.token('mesh:read');
  await Promise.all(REGIONS.map((region) => write(region, 'acme.mesh', region, COUNT)));
  const readers = await Promise.all(
    REGIONS.map((region) => startReader({ urls: [platform.gateway(region)], token, topic: 'mesh' })),
  );
  for (const reader of readers) await reader.until(REGIONS.length * COUNT, 60_000);
  for (const origin of REGIONS) {
    const [first, ...others] = readers.map((reader) => reader.digests(origin).result());
    for (const other of others) expect(other).toEqual(first);
  }
  for (const reader of readers) {
    expect([reader.received, reader.disorders, reader.gaps]).toEqual([REGIONS.length * COUNT, [], []]);
    await reader.close();
  }
}, 120_000);

test('copies are not copied on, and every link says that it runs', async () => {
  for (const region of REGIONS) {
    const admin = kafkaClient(platform.kafka(region)).admin();
    await admin.connect();
    const names = (await admin.listTopics()).filter((name) => name.endsWith('.mesh'));
    await admin.disconnect();
    const copies = REGIONS.filter((origin) => origin !== region).map((origin) => `${origin}.acme.mesh`);
    expect(names.toSorted()).toEqual(['acme.mesh', ...copies].toSorted());
  }
  const { code, stdout } = await platform.command(['links', '--json']);
  expect(code).toBe(0);
  const partitions = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ topic }) => topic === 'acme.mesh');
  expect(new Set(partitions.map(({ link }) => link)).size).toBe(6);
  expect(partitions).toHaveLength(36);
  expect(new Set(partitions.map(({ state }) => state))).toEqual(new Set(['running']));
  expect(new Set(partitions.map(({ member }) => member)).size).toBeGreaterThan(1);
}, 60_000);

test('links that compress on the wire say how much of the records came over it', async () => {
  const { code, stdout } = await platform.command(['link', 'describe', 'ap-south-eu-west']);
  expect(code).toBe(0);
  const [, codec = ''] = /^compression: (\w+)$/m.exec(stdout) ?? [];
  const [, ratio] = /^on the wire: .* of records \((?:\w+), ([\d.]+) to 1\)$/m.exec(stdout) ?? [];
  expect(codec).toBe('zstd');
  expect(Number(ratio)).toBeGreaterThan(1.2);
}, 60_000);

test('a client goes on in the third region from a cursor of the first, whatever the engines count there', async () => {
  const token = await platform.token('mesh:read');
  const seen: string[] = [];
  const read = async (region: string, from: SubscribeFrom, until: number) => {
    const meridian = await connect({ urls: [platform.gateway(region)], token });
    const subscription = meridian.subscribe('mesh', { from });
    for await (const message of subscription) {
      seen.push(message.text() ?? '');
      if (seen.length >= until) break;
    }
    const { status } = subscription;
    const place = subscription.cursor();
    await meridian.close();
    if (place === undefined) throw new Error('no cursor came');
    return { place, status };
  };
  const all = REGIONS.length * COUNT;
  let { place } = await read('us-east', 'earliest', all / 3);
  for (const [index, region] of ['ap-south', 'eu-west'].entries()) {
    const next = await read(region, place, ((index + 2) * all) / 3);
    for (const { status } of next.status) expect(status).toBe('exact');
    place = next.place;
  }
  expect(seen).toHaveLength(all);
  expect(new Set(seen).size).toBe(all);
}, 90_000);

test('when one of two mirrors hangs the other one takes its partitions over, and when it is back nothing is there twice', async () => {
  const token = await platform.token('taken:read');
  await write('us-east', 'acme.taken', 'before', 600);
  const reader = await startReader({ urls: [platform.gateway('eu-west')], token, topic: 'taken' });
  await reader.until(600, 30_000);
  const stopped = platform.pidOf('eu-west', 'mirror-2');
  process.kill(stopped, 'SIGSTOP'); // neither dead nor alive: the supervisor does not start another one
  try {
    await write('us-east', 'acme.taken', 'after', 600);
    await reader.until(1_200, 20_000);
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  await write('us-east', 'acme.taken', 'again', 600);
  await reader.until(1_800, 30_000);
  expect([reader.received, reader.disorders, reader.gaps]).toEqual([1_800, [], []]);
  await reader.close();
}, 120_000);

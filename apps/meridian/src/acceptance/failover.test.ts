/**
 * A region is lost and comes back: an identity copy takes over under its name, a client goes on in it from its cursor, and
 * what has been written meanwhile is brought back. Links made by command beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type SubscribeFrom, type Subscription } from '@meridian/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_REGIONS } from '../platform-defaults.ts';
import { kafkaClient, numberedRecords, writeNumbered } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, type PartName, startLocalPlatform } from '../testing/local-platform.ts';
import { writeLinks } from '../testing/regions-folder.ts';
import { startReader } from '../testing/sdk-reader.ts';

const COUNT = 1_200;
const NEW = 300;
const PARTS: PartName[] = ['gateway', 'mirror', 'broker'];
const folder = mkdtempSync(join(tmpdir(), 'failover-'));
let platform: LocalPlatform;

beforeAll(async () => {
  const links = 'links:\n  - { from: us-east, to: eu-west, policy: identity, topics: { prefix: acme.orders } }\n';
  writeLinks(process.env.MERIDIAN_TEST_REGIONS ?? DEFAULT_REGIONS, folder, links);
  platform = await startLocalPlatform({ portOffset: 12_500, regions: folder });
}, 90_000);
afterAll(async () => {
  await platform?.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const write = (region: string, topic: string, prefix: string, count: number): Promise<void> =>
  writeNumbered(platform.kafka(region), topic, prefix, count);

/** Runs a command until it ends with code 0. */
async function until(args: readonly string[], limitMs = 30_000): Promise<string> {
  for (const deadline = Date.now() + limitMs; ; ) {
    const { code, stdout, stderr } = await platform.command(args);
    if (code === 0) return stdout;
    if (Date.now() > deadline) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    await new Promise((done) => setTimeout(done, 300));
  }
}

/** Waits until a link has so many records. */
async function copied(link: string, count: number): Promise<void> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const lines = (await until(['links', '--link', link, '--json'])).trim().split('\n');
    const has = lines.reduce((sum, line) => sum + (JSON.parse(line).position ?? 0), 0);
    if (has >= count) return;
    if (Date.now() > deadline) throw new Error(`${has} of ${count} records: ${lines.join()}`);
  }
}

/** Reads so many records at a region, as a client that keeps its cursor. */
async function read(region: string, from: SubscribeFrom, count: number) {
  const meridian = await connect({ urls: [platform.gateway(region)], token: await platform.token('orders:read') });
  const subscription: Subscription = meridian.subscribe('orders', { from });
  const seen: string[] = [];
  const gaps: unknown[] = [];
  subscription.onGap = (gap) => gaps.push(gap);
  for await (const message of subscription) {
    seen.push(message.text() ?? '');
    if (seen.length >= count) break;
  }
  const place = subscription.cursor();
  const status = subscription.status.map((each) => each.status);
  await meridian.close();
  if (place === undefined) throw new Error('no cursor came');
  return { seen, place, status: new Set(status), gaps };
}

/** Of a region whose processes are ours: all of it hangs, so that nobody starts anything again. */
function signalRegion(region: string, signal: NodeJS.Signals): void {
  const parts = PARTS.filter((part) => part !== 'broker' || platform.engine(region) === 'embedded');
  for (const part of parts) platform.kill(region, part, signal);
}

let half: Awaited<ReturnType<typeof read>>;

test('while both regions are there, copies are compared whole and places in them are exact', async () => {
  await write('us-east', 'acme.orders', 'east', COUNT);
  half = await read('us-east', 'earliest', COUNT / 2);
  await until(['failover', 'plan', 'acme.orders', '--to', 'eu-west']);
  expect(await until(['verify', 'acme.orders'])).toMatch(/equal/);
  const place = ['--topic', 'acme.orders', '--partition', '0', '--offset', '7'];
  const stdout = await until(['translate', '--from', 'us-east', '--to', 'eu-west', ...place, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ toTopic: 'acme.orders', translation: { status: 'exact' } });
  expect((await platform.command(['gaps'])).code).toBe(0);
}, 90_000);

test('when the region is lost, its copy takes over, and a client goes on from its cursor with every record once', async () => {
  signalRegion('us-east', 'SIGSTOP');
  await until(['failover', 'run', 'acme.orders', '--to', 'eu-west', '--force'], 60_000);
  await write('eu-west', 'acme.orders', 'west', NEW);
  const rest = await read('eu-west', half.place, COUNT / 2 + NEW);
  expect([rest.status, rest.gaps]).toEqual([new Set(['exact']), []]);
  const all = [...half.seen, ...rest.seen];
  expect([all.length, new Set(all).size]).toEqual([COUNT + NEW, COUNT + NEW]);
}, 120_000);

test('when the region is back, so is its topic, with all that was written meanwhile', async () => {
  signalRegion('us-east', 'SIGCONT');
  await until(['failback', 'run', 'acme.orders', '--to', 'us-east', '--force'], 180_000);
  const { seen } = await read('us-east', 'earliest', COUNT + NEW);
  expect(new Set(seen)).toEqual(
    new Set([...numberedRecords('east', COUNT), ...numberedRecords('west', NEW)].map((one) => one.value)),
  );
  await write('us-east', 'acme.orders', 'again', 60);
  await until(['verify', 'acme.orders']);
}, 240_000);

test('a link made by command copies what it names, rests while it is paused, and leaves its copies behind', async () => {
  const made = ['--from', 'us-east', '--to', 'eu-west', '--prefix', 'acme.extra'];
  expect((await platform.command(['link', 'create', 'extra', ...made])).code).toBe(0);
  expect(await platform.command(['link', 'create', 'extra', ...made])).toMatchObject({ code: 1 });
  await write('us-east', 'acme.extra', 'x', 100);
  await until(['verify', 'acme.extra']);
  expect((await platform.command(['link', 'pause', 'extra', '--by', 'a test'])).code).toBe(0);
  await write('us-east', 'acme.extra', 'y', 100);
  const paused = await platform.command(['links', '--link', 'extra']);
  expect(paused.stdout).toMatch(/paused by a test/);
  expect((await platform.command(['link', 'resume', 'extra'])).code).toBe(0);
  await copied('extra', 200);
  await until(['verify', 'acme.extra']);
  const described = await platform.command(['link', 'describe', 'extra']);
  expect(described.stdout).toMatch(/managed: api/);
  expect((await platform.command(['link', 'delete', 'extra'])).code).toBe(0);
  const topics = await platform.command(['topic', 'list', '--region', 'eu-west']);
  expect(topics.stdout).toMatch(/us-east\.acme\.extra/);
}, 120_000);

test('records that the origin deletes before they are copied are on record, wait for a decision, and are told to readers', async () => {
  const made = ['--from', 'us-east', '--to', 'eu-west', '--topic', 'acme.lossy'];
  expect((await platform.command(['link', 'create', 'lossy', ...made])).code).toBe(0);
  await platform.command(['topic', 'create', 'acme.lossy', '--region', 'us-east', '--partitions', '1']);
  await write('us-east', 'acme.lossy', 'a', 100);
  await copied('lossy', 100);
  const token = await platform.token('lossy:read');
  const reader = await startReader({ urls: [platform.gateway('eu-west')], token, topic: 'lossy' });
  await reader.until(100, 20_000);
  await platform.command(['link', 'pause', 'lossy']);
  for (const prefix of ['b', 'c']) await write('us-east', 'acme.lossy', prefix, 50);
  const admin = kafkaClient(platform.kafka('us-east')).admin();
  await admin.connect();
  await admin.fetchTopicOffsets('acme.lossy'); // kafkajs deletes records only of topics that it has met
  await admin.deleteTopicRecords({ topic: 'acme.lossy', partitions: [{ partition: 0, offset: '150' }] });
  await admin.disconnect();
  await platform.command(['link', 'resume', 'lossy']);
  await until(['link', 'decide', 'lossy', '--topic', 'acme.lossy', '--policy', 'mark-gap']);
  await copied('lossy', 200);
  const gaps = await platform.command(['gaps', '--region', 'eu-west', '--json']);
  expect(gaps.code).toBe(1);
  expect(JSON.parse(gaps.stdout)).toMatchObject({ link: 'lossy', kind: 'retention', from: 100, to: 150 });
  await reader.until(150, 20_000);
  expect(reader.gaps).toMatchObject([{ region: 'us-east', partition: 0, from: 100, to: 150, reason: 'retention' }]);
  expect([reader.received, reader.disorders]).toEqual([150, []]);
  await reader.close();
}, 120_000);

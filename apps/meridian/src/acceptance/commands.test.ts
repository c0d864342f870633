import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalPlatform, startLocalPlatform } from '../testing/local-platform.ts';

const MAIN = resolve(import.meta.dirname, '../main.ts');
let platform: LocalPlatform;
beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: 13_000 });
}, 60_000);
afterAll(() => platform.stop());

const lines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('what goes in by produce in one region comes out by tail in the other, with the line’s key', async () => {
  const token = await platform.token('towns:read,write');
  const sent = await platform.command(
    ['produce', 'towns', '--region', 'us-east', '--token', token, '-K', ':', '--json'],
    { input: 'FR:Paris\nDE:Berlin:West\nno key\n' },
  );
  expect([sent.code, sent.stderr, lines(sent.stdout).length]).toEqual([0, '3 records acknowledged\n', 3]);
  const tail = ['tail', 'towns', '--region', 'eu-west', '--token', token, '--from', 'earliest', '--limit', '3'];
  const read = await platform.command([...tail, '--json']);
  expect([read.code, read.stderr]).toEqual([0, '']);
  const records = lines(read.stdout).map(({ region, topic, key, value }) => [region, topic, key, value]);
  expect(records.sort()).toEqual([
    ['us-east', 'towns', null, 'no key'],
    ['us-east', 'towns', 'DE', 'Berlin:West'],
    ['us-east', 'towns', 'FR', 'Paris'],
  ]);
  expect(Object.keys(lines(read.stdout)[0] ?? {})).toEqual([
    'region',
    'topic',
    'partition',
    'offset',
    'timestamp',
    'key',
    'value',
  ]);
});

test.runIf(process.platform === 'linux')(
  'tail ends when the reader of its output has gone, also if no further record comes',
  async () => {
    const token = await platform.token('towns:read,write');
    const region = ['--region', 'us-east', '--token', token];
    await platform.command(['produce', 'towns', ...region, '--value', 'the last one']);
    const flags = [...region, '--data', platform.data, '--from', 'earliest', '--json'];
    const pipe = ['-o', 'pipefail', '-c', '"$@" | head -1', '-'];
    const child = spawn('bash', [...pipe, process.execPath, MAIN, 'tail', 'towns', ...flags]);
    const read: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => read.push(chunk));
    const code = await new Promise((done) => child.once('close', done));
    expect([code, lines(Buffer.concat(read).toString()).length]).toEqual([0, 1]);
  },
  30_000,
);

test('a topic is created with its configs, listed, and seen as a copy in the other region', async () => {
  const create = ['topic', 'create', 'acme.made', '--region', 'us-east', '--partitions', '2'];
  expect(await platform.command(create)).toMatchObject({ code: 0, stdout: '' });
  expect((await platform.command(create)).stderr).toContain('TOPIC_ALREADY_EXISTS');
  for (;;) {
    const { stdout } = await platform.command(['topic', 'list', '--region', 'eu-west', '--json']);
    const copy = lines(stdout).find(({ topic }) => topic === 'us-east.acme.made');
    if (copy !== undefined) {
      expect(copy).toMatchObject({ partitions: 2, origin: 'us-east' });
      break;
    }
    await pause(100);
  }
}, 30_000);

test('links has a line per partition with position, end and lag', async () => {
  const { code, stdout } = await platform.command(['links', '--region', 'eu-west', '--json']);
  expect(code).toBe(0);
  const towns = lines(stdout).filter(({ topic }) => topic === 'acme.towns');
  expect(towns).toHaveLength(6);
  expect(Object.keys(towns[0] ?? {})).toEqual(
    expect.arrayContaining(['from', 'to', 'position', 'sourceEnd', 'lagRecords', 'lagBytes', 'lagMs', 'state']),
  );
  expect((await platform.command(['links'])).stdout).toMatch(/^LINK +PARTITION +STATE/);
});

test('a token without the permission, and one that is none, are refused with the gateway’s words', async () => {
  const token = await platform.token('towns:read');
  const produce = (used: string) =>
    platform.command(['produce', 'towns', '--region', 'us-east', '--token', used, '--value', 'x']);
  expect(await produce(token)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('forbidden') });
  expect(await produce('nonsense')).toMatchObject({ code: 1, stderr: expect.stringContaining('unauthorized') });
});

test('a second platform on the same folder or the same ports is refused, and the first one goes on', async () => {
  const second = await platform.command(['local']);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use (process') });
  expect(platform.pids().every(isAlive)).toBe(true);
});

test('a part that dies is started again under another pid', async () => {
  const before = platform.pidOf('us-east', 'gateway');
  platform.kill('us-east', 'gateway');
  while (isAlive(before)) await pause(10);
  for (;;) {
    const answer = await fetch(`${platform.http('us-east')}/healthz`).catch(() => undefined);
    if (answer?.ok) break;
    await pause(20);
  }
  expect(platform.pidOf('us-east', 'gateway')).not.toBe(before);
}, 30_000);

test('stopping the platform leaves no process behind', async () => {
  const pids = platform.pids();
  await platform.stop();
  expect(pids.filter(isAlive)).toEqual([]);
}, 30_000);

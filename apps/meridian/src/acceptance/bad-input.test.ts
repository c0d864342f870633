/**
 * Bad input on real processes: whatever comes in on a port is refused with a clear answer or a closed connection, every
 * process stays up, and the next client is served as if nothing had been.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@meridian/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProducer, readBack, sendAll } from '../testing/kafkajs-clients.ts';
import { type LocalPlatform, startLocalPlatform } from '../testing/local-platform.ts';

const OFFSET = 12_000;
const PORTS = { kafka: 9092, internal: 9093, gateway: 8080, management: 9094 };
const CLOSE_LIMIT_MS = 5_000;
let platform: LocalPlatform;
let pids: number[];

beforeAll(async () => {
  platform = await startLocalPlatform({ portOffset: OFFSET });
  pids = platform.pids();
});
afterAll(() => platform?.stop());

/** Writes bytes to a port; resolves with what came back once the peer has closed, or after `limitMs`. */
function say(
  port: number,
  bytes: Buffer | string,
  limitMs = CLOSE_LIMIT_MS,
): Promise<{ answer: Buffer; closed: boolean }> {
  return new Promise((done) => {
    const chunks: Buffer[] = [];
    const socket = connectTcp(port + OFFSET, '127.0.0.1', () => socket.write(bytes));
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      done({ answer: Buffer.concat(chunks), closed });
    };
    const timer = setTimeout(() => finish(false), limitMs);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => finish(true));
  });
}

async function everybodyIsServed(): Promise<void> {
  expect(platform.pids()).toEqual(pids);
  const topic = `after-${randomBytes(4).toString('hex')}`;
  const producer = await connectProducer(platform.kafka('us-east'));
  await sendAll(producer, `acme.${topic}`, [{ key: 'k', value: 'still here' }]);
  await producer.disconnect();
  expect((await readBack(platform.kafka('us-east'), `acme.${topic}`)).map(({ value }) => value)).toEqual([
    'still here',
  ]);
  const token = await platform.token(`${topic}:read,write`);
  const meridian = await connect({ urls: [platform.gateway('us-east')], token });
  for await (const message of meridian.subscribe(topic, { from: 'earliest' })) {
    expect(message.text()).toBe('still here');
    break;
  }
  await meridian.close();
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const frame = (body: Buffer): Buffer => Buffer.concat([int32(body.length), body]);

test.each([
  ['a negative length', int32(-1)],
  ['a length of two gigabytes', Buffer.concat([int32(2 ** 31 - 1), Buffer.from('abc')])],
  ['an unknown api', frame(Buffer.from([0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]))],
  ['a version that does not exist', frame(Buffer.from([0, 3, 0x7f, 0xff, 0, 0, 0, 1, 0xff, 0xff]))],
  ['an empty frame', int32(0)],
  ['a count that lies', frame(Buffer.from([0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]))],
])('the kafka port closes the connection on %s', async (_, bytes) => {
  expect((await say(PORTS.kafka, bytes)).closed).toBe(true);
});

test('ApiVersions of an unknown version is answered with version 0 and error 35', async () => {
  const { answer } = await say(PORTS.kafka, frame(Buffer.from([0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0])), 500);
  expect(answer.readInt32BE(4)).toBe(5);
  expect(answer.readInt16BE(8)).toBe(35);
});

test('random bytes on any port harm nobody', async () => {
  const ports = [...Object.values(PORTS), ...Object.values(PORTS).map((port) => port + 100)];
  for (let round = 0; round < 5; round++)
    await Promise.all(ports.map((port) => say(port, randomBytes(1 + round * 4_000), 300)));
  await everybodyIsServed();
}, 60_000);

async function answerTo(
  authorization: string | undefined,
  body: string,
): Promise<{ status: number; code: unknown; type: string | null }> {
  const response = await fetch(`${platform.http('us-east')}/v1/topics/cities/records`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
    body,
  });
  const problem = (await response.json()) as { code?: unknown };
  return { status: response.status, code: problem.code, type: response.headers.get('content-type') };
}

test('http refuses what is no token, no JSON, too deep or too large, each with a problem document', async () => {
  const bearer = `Bearer ${await platform.token('cities:write')}`;
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  const claims = Buffer.from('{"tenant":"acme","sub":"x","exp":9999999999,"iss":"meridian","aud":"meridian"}').toString(
    'base64url',
  );
  const good = '{"value":{"text":"v"}}';
  expect(await answerTo(undefined, good)).toMatchObject({ status: 401, code: 'unauthorized' });
  expect(await answerTo(`Bearer ${none}.${claims}.`, good)).toMatchObject({ status: 401, code: 'unauthorized' });
  expect(await answerTo(`Bearer ${await platform.token('other:write')}`, good)).toMatchObject({ status: 403 });
  expect(await answerTo(bearer, '{"value":')).toMatchObject({ status: 400, code: 'bad-request' });
  expect(await answerTo(bearer, '{"value":{"text":"a","json":1}}')).toMatchObject({ status: 400, code: 'bad-request' });
  const deep = `{"value":{"json":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`;
  expect(await answerTo(bearer, deep)).toMatchObject({ status: 400, code: 'bad-request' });
  const announced = ['POST /v1/topics/cities/records HTTP/1.1', 'Host: x', `Authorization: ${bearer}`];
  const huge = [...announced, 'Content-Type: application/json', 'Content-Length: 20000000', '', ''].join('\r\n');
  const refused = (await say(PORTS.gateway, huge)).answer.toString();
  expect(refused).toMatch(/^HTTP\/1\.1 413 /);
  expect(refused).toContain('"too-large"');
  expect((await answerTo(bearer, '[')).type).toMatch(/^application\/problem\+json/);
  await everybodyIsServed();
}, 60_000);

test('a subprotocol that is not spoken is refused before the upgrade', async () => {
  const request = [
    'GET /v1/ws HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    'Sec-WebSocket-Protocol: mqtt',
    '',
    '',
  ];
  const { answer } = await say(PORTS.gateway, request.join('\r\n'));
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
});

test('a second platform on the same ports or folder says what is taken and ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-second-'));
  const ports = await platform.command(['local'], {});
  expect(ports.code).not.toBe(0);
  expect(ports.stderr).toMatch(/Stop the other platform|in use/);
  const taken = await runLocal(['--port-offset', String(OFFSET), '--data', folder]);
  expect(taken.stderr).toMatch(new RegExp(`${PORTS.gateway + OFFSET}|${PORTS.kafka + OFFSET}`));
  rmSync(folder, { recursive: true });
  expect(platform.pids()).toEqual(pids);
}, 60_000);

test('a data folder of a newer version is left alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-newer-'));
  writeFileSync(join(folder, 'meridian.json'), '{"format":99,"portOffset":0}');
  const { stderr, code } = await runLocal(['--port-offset', '14500', '--data', folder]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/format 99/);
  rmSync(folder, { recursive: true });
});

const runLocal = (flags: string[]) => platform.run(['local', ...flags]);

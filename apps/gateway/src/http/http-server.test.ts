/** The real port: HTTP publishes, handshakes, frames that break the protocol, over brokers in memory and real tokens. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@meridian/io';
import { createRealIo } from '@meridian/io/real';
import { iterateBatches, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { packBinary, type ServerFrame, unpackBinary } from '@meridian/sdk/frames';
import { keyRingText, mintToken, newSigningKey } from '@meridian/tenancy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { createGateway, type Gateway } from '../gateway.ts';
import { MemoryBroker } from '../testing/memory-broker.ts';

const io = createRealIo();
const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
const key = newSigningKey('test');
const broker = new MemoryBroker(io.timers, 'eu-west');
const CONFIG = {
  host: '127.0.0.1',
  port: 0,
  region: 'eu-west',
  regions: ['us-east', 'eu-west'],
  bootstrap: [{ host: '127.0.0.1', port: 1 }],
  secret: 'unused',
  issuer: 'meridian',
  audience: 'meridian',
  allowedOrigins: ['https://good.example'],
};
let gateway: Gateway;
let token: string;

const mint = (allow: string[], tenant = 'acme', lifeMs = 60_000): Promise<string> => {
  const now = io.clock.now();
  return mintToken(key.privateJwk, { tenant, subject: 'alice', allow, issuedAtMs: now, expiresAtMs: now + lifeMs });
};

beforeAll(async () => {
  writeFileSync(join(folder, 'jwks.json'), JSON.stringify({ keys: [key.publicJwk] }));
  writeFileSync(join(folder, 'ring.json'), keyRingText(Buffer.alloc(32, 5)));
  token = await mint(['*:read,write']);
  gateway = await createGateway({
    io,
    log: silentLogger,
    broker,
    config: { ...CONFIG, jwksFile: join(folder, 'jwks.json'), cursorKeysFile: join(folder, 'ring.json') },
  });
});

afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

async function post(body: string | Buffer, options: { path?: string; token?: string; headers?: object } = {}) {
  const answer = await fetch(`http://127.0.0.1:${gateway.port}${options.path ?? '/v1/topics/cities/records'}`, {
    method: 'POST',
    body: body as never,
    headers: { authorization: `Bearer ${options.token ?? token}`, ...options.headers },
  });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    body: (await answer.json()) as never as Answer,
  };
}
interface Answer {
  code?: string;
  records: { offset?: number; partition?: number; error?: { code: string } }[];
}

/** Opens a WebSocket; resolves with the status of a refusal, or the socket and what it gets. */
function open(protocols: string[], headers: Record<string, string> = {}): Promise<Opened> {
  const ws = new WebSocket(`ws://127.0.0.1:${gateway.port}/v1/ws`, protocols, { headers });
  const frames: ServerFrame[] = [];
  const binary: Buffer[] = [];
  const closed = new Promise<number>((resolve) => ws.on('close', resolve));
  ws.on('error', () => undefined);
  ws.on('message', (bytes, isBinary) => {
    if (isBinary) binary.push(bytes as Buffer);
    else frames.push(JSON.parse(String(bytes)));
  });
  return new Promise((resolve) => {
    ws.on('open', () => resolve({ ws, frames, binary, closed, status: 101 }));
    ws.on('unexpected-response', (_request, response) =>
      resolve({ ws, frames, binary, closed, status: response.statusCode ?? 0 }),
    );
  });
}
interface Opened {
  ws: WebSocket;
  frames: ServerFrame[];
  binary: Buffer[];
  closed: Promise<number>;
  status: number;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await io.timers.sleep(10);
  expect(condition()).toBe(true);
}

test('one record or many are published and answered with their coordinates', async () => {
  const one = await post('{"key":{"text":"FR"},"value":{"json":{"name":"Paris"}},"partition":1}');
  expect(one).toMatchObject({
    status: 200,
    body: { records: [{ region: 'eu-west', partition: 1, offset: 0, epoch: 0 }] },
  });
  const many = await post(
    '{"records":[{"value":{"text":"a"},"partition":1},{"value":null,"key":{"base64":"AAE="},"partition":1}]}',
  );
  expect(many.body.records.map(({ offset }) => offset)).toEqual([1, 2]);
});

test('what fails in part is 207, with an error in the place of each failure', async () => {
  const answer = await post('{"records":[{"value":{"text":"a"},"partition":0},{"value":null,"partition":99}]}');
  expect(answer.status).toBe(207);
  expect(answer.body.records[0]?.offset).toBe(0);
  expect(answer.body.records[1]?.error?.code).toBe('bad-request');
});

test('bad requests get a problem document each, and the gateway stays', async () => {
  const bad: [number, string, Parameters<typeof post>[1], string | Buffer][] = [
    [401, 'unauthorized', { token: 'x.y.z' }, '{"value":null}'],
    [401, 'unauthorized', { token: await mint(['*:write'], 'acme', -1000) }, '{"value":null}'],
    [403, 'forbidden', { token: await mint(['*:read']) }, '{"value":null}'],
    [401, 'unauthorized', { token: await mint(['*:write'], 'us-east') }, '{"value":null}'],
    [400, 'bad-request', {}, 'not json'],
    [400, 'bad-request', {}, ''],
    [400, 'bad-request', {}, '{"records":[]}'],
    [400, 'bad-request', {}, `{"value":{"json":${'['.repeat(100_000)}`],
    [400, 'bad-request', {}, '{"value":{"text":"a"},"key":{"json":1,"text":"b"}}'],
    [413, 'too-large', {}, `{"value":{"text":"${'x'.repeat(1_100_000)}"}}`],
    [413, 'too-large', {}, Buffer.alloc(9_000_000, 0x20)],
    [400, 'bad-request', { path: '/v1/topics/__consumer_offsets/records' }, '{"value":null}'],
    [400, 'bad-request', { path: '/v1/topics/a%2F..%2Fb/records' }, '{"value":null}'],
    [400, 'bad-request', { path: '/v1/topics/%00/records' }, '{"value":null}'],
    [400, 'bad-request', { path: '/v1/topics/%ff/records' }, '{"value":null}'],
    [404, 'unknown-topic', { path: '/v1/elsewhere' }, '{"value":null}'],
    [403, 'forbidden', { headers: { origin: 'https://good.example.evil.io' } }, '{"value":null}'],
  ];
  for (const [status, code, options, body] of bad) {
    const answer = await post(body, options);
    expect(
      [answer.status, answer.body.code, answer.type],
      JSON.stringify([options, String(body).slice(0, 60)]),
    ).toEqual([status, code, 'application/problem+json; charset=utf-8']);
  }
  expect((await post('{"value":null}', { headers: { origin: 'https://good.example' } })).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${gateway.port}/healthz`)).status).toBe(200);
});

test('a subprotocol that we do not speak is refused with 400 before the upgrade, a foreign origin with 403', async () => {
  expect((await open(['meridian.v9.json'])).status).toBe(400);
  expect((await open([])).status).toBe(400);
  expect((await open(['meridian.v1.json'], { origin: 'https://good.example.evil.io' })).status).toBe(403);
  expect((await open(['meridian.v1.json'], { origin: 'null' })).status).toBe(403);
  const good = await open(['unknown', 'meridian.v1.bin'], { origin: 'https://good.example' });
  expect([good.status, good.ws.protocol]).toEqual([101, 'meridian.v1.bin']);
  good.ws.terminate();
});

test('the token may come as a header, as a subprotocol that is not echoed, or in connect', async () => {
  const header = await open(['meridian.v1.json'], { authorization: `Bearer ${token}` });
  const protocol = await open([`bearer.${Buffer.from(token).toString('base64url')}`, 'meridian.v1.json']);
  const frame = await open(['meridian.v1.json']);
  frame.ws.send(JSON.stringify({ type: 'connect', token }));
  for (const { ws, frames } of [header, protocol, frame]) {
    await until(() => frames[0]?.type === 'welcome');
    expect(ws.protocol).toBe('meridian.v1.json');
    ws.close();
  }
});

test('a forged token is refused with 4000, one that has expired with 4100, a frame of nonsense with 4002', async () => {
  const input = token.split('.').slice(1, 2).join('.');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${input}.x`;
  for (const [code, bad] of [
    [4000, none],
    [4000, await mint(['nonsense'])],
    [4100, await mint([], 'acme', -1)],
    [4002, 'x'.repeat(20_000)],
  ] as const) {
    const opened = await open(['meridian.v1.json']);
    opened.ws.send(JSON.stringify({ type: 'connect', token: bad }));
    expect(await opened.closed).toBe(code);
  }
});

test('what is published over one socket arrives at another, as JSON and as the raw batch', async () => {
  const json = await open(['meridian.v1.json'], { authorization: `Bearer ${token}` });
  const bin = await open(['meridian.v1.bin'], { authorization: `Bearer ${token}` });
  const credits = { messages: 1000, bytes: 100_000_000 };
  for (const { ws } of [json, bin]) {
    ws.send(JSON.stringify({ type: 'subscribe', id: 1, topic: 'towns', from: 'earliest', credits }));
  }
  const large = 'x'.repeat(200_000);
  const records = [{ timestamp: 5, key: Buffer.from('k'), value: Buffer.from(large) }];
  bin.ws.send(packBinary(2, { id: 7, topic: 'towns', partition: 1 }, [writeBatch({ records })]));
  await until(() => json.frames.some((frame) => frame.type === 'messages') && bin.binary.length > 0);
  expect(bin.frames).toContainEqual(expect.objectContaining({ type: 'published', id: 7, partition: 1, offset: 0 }));
  const message = json.frames.find((frame) => frame.type === 'messages');
  expect(message?.records[0]?.value).toEqual({ text: large });
  const { header, batches } = unpackBinary<object>(bin.binary[0] ?? Buffer.alloc(0));
  expect(header).toMatchObject({ topic: 'towns', region: 'eu-west', partition: 1 });
  const [batch] = [...iterateBatches(batches)];
  expect([...readRecords(batch?.bytes ?? new Uint8Array())].map(({ value }) => value?.length)).toEqual([large.length]);
  json.ws.close();
  bin.ws.close();
});

test('a raw batch of several records has one answer, the coordinates of its first', async () => {
  const { ws, frames } = await open(['meridian.v1.bin'], { authorization: `Bearer ${token}` });
  const batch = (...values: string[]) =>
    writeBatch({ records: values.map((value) => ({ timestamp: 5, value: Buffer.from(value) })) });
  const send = (id: number, sequence: number, ...values: string[]) =>
    ws.send(packBinary(2, { id, topic: 'hamlets', partition: 0, sequence }, [batch(...values)]));
  const published = () => frames.filter((frame) => frame.type === 'published');
  send(1, 0, 'a', 'b', 'c');
  send(2, 3, 'd', 'e');
  send(3, 3, 'd', 'e');
  send(4, 5, 'f');
  await until(() => published().length === 4);
  const answers = published().map(({ id, offset, duplicate = false }) => [id, offset, duplicate]);
  expect(answers).toEqual([
    [1, 0, false],
    [2, 3, false],
    [3, 3, true],
    [4, 5, false],
  ]);
  ws.close();
});

test('raw batches that lie are refused one by one', async () => {
  const { ws, frames } = await open(['meridian.v1.bin'], { authorization: `Bearer ${token}` });
  const good = Buffer.from(writeBatch({ records: [{ timestamp: 5, value: Buffer.from('v') }] }));
  const changed = (at: number, byte: number): Buffer => {
    const copy = Buffer.from(good);
    copy[at] = byte;
    return copy;
  };
  const batches = [
    changed(20, 1), // checksum
    changed(16, 1), // magic
    changed(60, 9), // record count
    changed(11, 9), // length
    changed(7, 9), // base offset
    changed(22, 0x20), // control
    changed(22, 0x10), // transactional
    changed(50, 9), // a producer without a sequence
    Buffer.alloc(0),
    Buffer.concat([good, good]),
  ];
  for (const [id, batch] of batches.entries()) ws.send(packBinary(2, { id, topic: 'towns', partition: 0 }, [batch]));
  ws.send(packBinary(9, { id: 10, topic: 'towns', partition: 0 }, [good]));
  ws.send(Buffer.from([2, 255, 255, 255, 255]));
  await until(() => frames.filter((frame) => frame.type === 'error').length === batches.length + 2);
  expect(frames.filter((frame) => frame.type === 'error').every(({ code }) => code === 'bad-request')).toBe(true);
  ws.close();
});

test('frames larger than the limit close with 1009, random bytes on the port hurt nobody', async () => {
  const { ws, closed } = await open(['meridian.v1.json'], { authorization: `Bearer ${token}` });
  ws.send('x'.repeat(2 * 1024 * 1024 + 1));
  expect(await closed).toBe(1009);
  for (const bytes of [
    Buffer.alloc(1000, 0xff),
    Buffer.from('GET / HTTP/1.1\r\nx: '),
    Buffer.from('\x16\x03\x01\x02\x00\x01'),
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connectTcp(gateway.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('close', () => resolve());
      socket.on('error', () => undefined);
      socket.resume();
    });
  }
  expect((await post('{"value":{"text":"still here"}}')).status).toBe(200);
});

test('a port in use is a coded error', async () => {
  const { port } = gateway;
  const config = { ...CONFIG, port, cursorKeysFile: join(folder, 'ring.json') };
  const second = createGateway({ io, log: silentLogger, broker: new MemoryBroker(io.timers, 'eu-west'), config });
  await expect(second).rejects.toMatchObject({ code: 'address-in-use' });
});

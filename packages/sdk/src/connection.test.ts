import { expect, test } from 'vitest';
import { type ConnectOptions, connect } from './sdk.ts';
import { createFakeWorld, WELCOME } from './testing/fake-gateway.ts';

const URLS = ['ws://eu/v1/ws', 'ws://us/v1/ws'];

function begin(options: Partial<ConnectOptions> = {}) {
  const world = createFakeWorld();
  const states: string[] = [];
  const onState = (state: string): void => void states.push(state);
  const connecting = connect({ urls: URLS, token: 'T', runtime: world.runtime, onState, ...options });
  connecting.catch(() => undefined);
  return { world, states, connecting };
}

async function connected(options: Partial<ConnectOptions> = {}) {
  const { world, states, connecting } = begin(options);
  await world.pass(0);
  world.socket.open();
  world.socket.receive(WELCOME);
  return { world, states, meridian: await connecting };
}

test('the first frame is connect with the token, and connect() resolves at the welcome', async () => {
  const { world, meridian } = await connected();
  expect(world.socket.subprotocol).toBe('meridian.v1.json');
  expect(world.socket.sent).toEqual([{ type: 'connect', client: 'meridian-sdk', token: 'T' }]);
  expect(meridian.state).toBe('connected');
});

test('a gateway that cannot be reached is followed by the next one, soon', async () => {
  const { world } = begin();
  await world.pass(0);
  world.socket.drop(1006);
  await world.pass(200);
  expect(world.sockets.map(({ url }) => url)).toEqual(URLS);
});

test('a gateway that never welcomes is left after the handshake time', async () => {
  const { world } = begin();
  await world.pass(0);
  world.socket.open();
  await world.pass(5_200);
  expect(world.sockets[0]?.closed).toBe(true);
  expect(world.socket.url).toBe('ws://us/v1/ws');
});

test('the waits grow from round to round and have a bound', async () => {
  const { world } = begin({ urls: ['ws://eu'], connectTimeoutMs: 10_000_000 });
  const waits: number[] = [];
  await world.pass(0);
  for (let round = 0; round < 12; round += 1) {
    const before = world.sockets.length;
    const from = world.runtime.now();
    world.socket.drop(1006);
    while (world.sockets.length === before) await world.pass(50);
    waits.push(world.runtime.now() - from);
  }
  expect(waits.slice(0, 4)).toEqual([100, 200, 400, 800]);
  expect(waits.at(-1)).toBe(7_500);
});

test('connect() gives up after its time, and says whom it asked', async () => {
  const { world, connecting } = begin({ connectTimeoutMs: 1_000 });
  await world.pass(1_000);
  await expect(connecting).rejects.toThrow('not-connected: ws://eu/v1/ws ws://us/v1/ws');
});

test('a close code from 4000 to 4099 is final and carries what the gateway said', async () => {
  const { world, connecting } = begin();
  await world.pass(0);
  world.socket.open();
  world.socket.receive({ type: 'error', code: 'unauthorized', message: 'alg none', retryable: false });
  world.socket.drop(4000, 'invalid token');
  await expect(connecting).rejects.toThrow('refused: close code 4000 unauthorized: alg none');
  await world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
});

test('a lost connection comes back to the same gateway first', async () => {
  const { world, states } = await connected();
  world.socket.drop(1006);
  await world.pass(200);
  expect(world.sockets.map(({ url }) => url)).toEqual(['ws://eu/v1/ws', 'ws://eu/v1/ws']);
  expect(states).toEqual(['connecting', 'connected', 'waiting', 'connecting']);
});

test('a drained gateway is left alone for as long as it said', async () => {
  const { world } = await connected();
  world.socket.receive({ type: 'drain', delayMs: 3_000 });
  world.socket.drop(1012);
  await world.pass(2_999);
  expect(world.sockets).toHaveLength(1);
  await world.pass(200);
  expect(world.sockets).toHaveLength(2);
});

test('a half-open connection is noticed by the missing pong', async () => {
  const { world } = await connected();
  await world.pass(20_000);
  expect(world.socket.all('ping')).toHaveLength(1);
  await world.pass(8_000);
  expect(world.sockets[0]?.closed).toBe(true);
  await world.pass(200);
  expect(world.sockets).toHaveLength(2);
});

test('any frame counts as a pong', async () => {
  const { world } = await connected();
  await world.pass(20_000);
  world.socket.receive({ type: 'pong', id: 1 });
  await world.pass(8_000);
  expect(world.sockets).toHaveLength(1);
});

test('a token callback is asked before the token expires, and the new token goes over the same connection', async () => {
  let count = 0;
  const token = () => `T${++count}`;
  const { world } = await connected({ token });
  world.socket.receive({ type: 'pong', id: 1 });
  const lifeMs = WELCOME.expiresAt - 1_000_000;
  for (let at = 0; at < lifeMs - 30_000; at += 5_000) {
    await world.pass(5_000);
    world.socket.receive({ type: 'pong', id: 1 });
  }
  expect(world.socket.all('connect').map((frame) => frame.token)).toEqual(['T1', 'T2']);
  expect(world.sockets).toHaveLength(1);
});

test('an expired token is replaced before the next try', async () => {
  let count = 0;
  const { world } = await connected({ token: async () => `T${++count}` });
  world.socket.drop(4100);
  await world.pass(200);
  world.socket.open();
  expect(world.socket.all('connect')[0]?.token).toBe('T2');
});

test('a token that went bad while the client was away is replaced; a new one that is refused is the end', async () => {
  let count = 0;
  const { world, meridian } = await connected({ token: async () => `T${++count}` });
  world.socket.drop(1006);
  await world.pass(200);
  world.socket.open();
  world.socket.drop(4000, 'unauthorized');
  await world.pass(200);
  world.socket.open();
  expect(world.socket.all('connect')[0]?.token).toBe('T2');
  world.socket.drop(4000, 'unauthorized');
  expect(meridian.state).toBe('failed');
});

test('an expired token that cannot be replaced is the end', async () => {
  const { world, meridian } = await connected({});
  world.socket.drop(4100, 'expired');
  expect(meridian.state).toBe('failed');
});

test('a token callback that fails is tried again', async () => {
  let count = 0;
  const token = async () => {
    if (++count === 1) throw new Error('no network');
    return 'T';
  };
  const { world } = begin({ token });
  await world.pass(300);
  expect(world.sockets).toHaveLength(1);
});

test('what is not in the protocol ends the connection, not the client', async () => {
  const { world, meridian } = await connected();
  world.socket.receive(Uint8Array.of(9, 9, 9));
  expect(meridian.state).toBe('waiting');
  await world.pass(200);
  expect(world.sockets).toHaveLength(2);
});

test('close() is final: no timer is left, nothing is opened any more', async () => {
  const { world, meridian } = await connected();
  const publishing = meridian.publish('t', { value: 'x' });
  await meridian.close();
  await expect(publishing).rejects.toThrow('closed');
  await expect(meridian.publish('t', { value: 'x' })).rejects.toThrow('closed');
  await world.pass(100_000);
  expect(world.sockets).toHaveLength(1);
  expect(world.socket.closed).toBe(true);
});

/** The simulated network when it behaves, and when links are cut, one way, slow or cruel. */
import { expect, test } from 'vitest';
import type { Connection, Io, IoError } from '../../io.ts';
import { SIM_WINDOW_BYTES } from '../../limits.ts';
import { createSimWorld, type SimWorld } from '../sim-world.ts';

interface End {
  readonly connection: Connection;
  readonly chunks: Buffer[];
  readonly closed: (Error | undefined)[];
}

function watch(connection: Connection): End {
  const end: End = { connection, chunks: [], closed: [] };
  connection.onData = (chunk) => end.chunks.push(Buffer.from(chunk));
  connection.onClose = (error) => end.closed.push(error);
  return end;
}

function received(end: End): Buffer {
  return Buffer.concat(end.chunks);
}

function connect(io: Io, host: string, timeoutMs = 1_000): Promise<Connection> {
  return io.net.connect({ host, port: 1, timeoutMs });
}

/** Machines `a` and `b`, and a connection from one to the other. */
async function connected(seed = 1, prepare: (world: SimWorld) => void = () => {}) {
  const world = createSimWorld({ seed });
  prepare(world);
  const [a, b] = [world.node('a').boot(), world.node('b').boot()];
  const ends: End[] = [];
  await world.settle(b.net.listen({ host: '0.0.0.0', port: 1 }, (connection) => ends.push(watch(connection))));
  const near = watch(await world.settle(connect(a, 'b')));
  await world.runUntil(() => ends.length > 0, 1_000);
  return { world, link: world.link('a', 'b'), a, b, near, far: ends[0]! };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'connected',
    (error: IoError) => error.code,
  );
}

const pattern = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, index) => index % 251));

test('a stream is cut at any byte, and comes whole', async () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const { world, near, far } = await connected(seed);
    for (let at = 0; at < 1000; at += 50) near.connection.write([pattern(1000).subarray(at, at + 50)]);
    await world.run(world.now() + 100);
    expect(received(far)).toEqual(pattern(1000));
    for (const chunk of far.chunks) sizes.add(chunk.length);
  }
  expect(Math.min(...sizes)).toBe(1);
  expect(sizes.has(1000) || [...sizes].some((size) => size > 50)).toBe(true);
  expect(sizes.size).toBeGreaterThan(50);
});

test('what is received is what was sent, also when the sender writes on in its own buffer', async () => {
  const { world, near, far } = await connected();
  const buffer = Buffer.from('first');
  near.connection.write([buffer]);
  expect(near.connection.bufferedBytes).toBe(0);
  buffer.write('other');
  await world.run(world.now() + 100);
  expect(received(far).toString()).toBe('first');
});

test('latency is what the link says, one way', async () => {
  const { world, near, far } = await connected(1, (made) => made.link('a', 'b').set({ latencyMs: [40, 41] }));
  const startMs = world.now();
  near.connection.write([Buffer.from('x')]);
  await world.runUntil(() => far.chunks.length > 0, 1_000);
  expect(world.now() - startMs).toBeGreaterThanOrEqual(40);
  expect(world.now() - startMs).toBeLessThan(42);
});

test('a machine reaches itself by any loopback name and by its own', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('a', { host: '10.0.0.1' }).boot();
  const addresses: string[] = [];
  await world.settle(io.net.listen({ host: '127.0.0.1', port: 1 }, (peer) => addresses.push(peer.remoteAddress)));
  for (const host of ['127.0.0.1', 'localhost', '10.0.0.1']) await world.settle(connect(io, host));
  expect(addresses).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});

test('connecting is refused without a process or a listener, and unreachable without a machine', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('a').boot();
  world.node('b');
  expect(await world.settle(codeOf(connect(io, 'b')))).toBe('refused');
  expect(await world.settle(codeOf(connect(io, 'a')))).toBe('refused');
  expect(await world.settle(codeOf(connect(io, 'c')))).toBe('unreachable');
});

test('connecting over a cut link times out, and succeeds late when it heals in time', async () => {
  const { world, link, a } = await connected();
  link.set({ cut: true });
  const startMs = world.now();
  expect(await world.settle(codeOf(connect(a, 'b', 500)))).toBe('timeout');
  expect(world.now() - startMs).toBe(500);
  world.after(2_500, () => link.set({ cut: false }));
  expect(await world.settle(codeOf(connect(a, 'b', 10_000)))).toBe('connected');
  expect(world.now() - startMs).toBeGreaterThan(3_000);
});

test('a connection that comes about too late for its caller is closed at the other end', async () => {
  const world = createSimWorld({ seed: 1 });
  const [a, b] = [world.node('a').boot(), world.node('b').boot()];
  world.link('a', 'b').set({ latencyMs: [40, 40] });
  const ends: End[] = [];
  await world.settle(b.net.listen({ host: 'b', port: 1 }, (connection) => ends.push(watch(connection))));
  expect(await world.settle(codeOf(connect(a, 'b', 60)))).toBe('timeout');
  await world.run(world.now() + 200);
  expect(ends[0]!.closed.length).toBe(1);
});

test('a cut stalls a stream silently, and after it all bytes come, once', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { world, link, near, far } = await connected(seed);
    near.connection.write([pattern(3000)]);
    world.after(0.3, () => link.set({ cut: true }));
    world.after(1, () => near.connection.write([pattern(3000)]));
    await world.run(world.now() + 20_000);
    expect([...near.closed, ...far.closed]).toEqual([]);
    expect(received(far).length).toBeLessThan(6000);
    link.set({ cut: false });
    await world.run(world.now() + 30_000);
    expect(received(far)).toEqual(Buffer.concat([pattern(3000), pattern(3000)]));
  }
});

test('with one direction lost, bytes the other way still arrive, up to a window', async () => {
  const { world, link, near, far } = await connected();
  link.set({ oneWayDrop: 'b-to-a' });
  far.connection.write([Buffer.from('lost')]);
  near.connection.write([Buffer.alloc(3 * SIM_WINDOW_BYTES)]);
  await world.run(world.now() + 1_000);
  expect(received(near).length).toBe(0);
  expect(received(far).length).toBe(SIM_WINDOW_BYTES);
  expect(near.connection.bufferedBytes).toBe(2 * SIM_WINDOW_BYTES);
  link.set({ oneWayDrop: undefined });
  await world.run(world.now() + 30_000);
  expect(received(near).toString()).toBe('lost');
  expect(received(far).length).toBe(3 * SIM_WINDOW_BYTES);
});

test('one-way drop means the same from either side of the link', async () => {
  const { world, near, far } = await connected();
  world.link('b', 'a').set({ oneWayDrop: 'a-to-b' });
  far.connection.write([Buffer.from('lost')]);
  near.connection.write([Buffer.from('there')]);
  await world.run(world.now() + 1_000);
  expect([received(near).length, received(far).length]).toEqual([0, 5]);
});

test('an end that met a cut arrives when the link has healed', async () => {
  const { world, link, near, far } = await connected();
  link.set({ cut: true });
  near.connection.destroy();
  await world.run(world.now() + 5_000);
  expect([near.closed, far.closed]).toEqual([[undefined], []]);
  link.set({ cut: false });
  await world.run(world.now() + 10_000);
  expect(far.closed).toEqual([undefined]);
});

test('a link that resets breaks both ends with an error', async () => {
  const { world, link, near, far } = await connected();
  link.set({ resetChance: 1 });
  near.connection.write([Buffer.from('x')]);
  await world.run(world.now() + 100);
  expect(near.closed).toMatchObject([{ code: 'closed' }]);
  expect(far.closed).toMatchObject([{ code: 'closed' }]);
  expect(near.connection.write([Buffer.from('x')])).toBe(false);
});

test('resetting a link by hand leaves other links alone', async () => {
  const { world, a, near, far } = await connected();
  const c = world.node('c').boot();
  const others: End[] = [];
  await world.settle(c.net.listen({ host: 'c', port: 1 }, (connection) => others.push(watch(connection))));
  await world.settle(connect(a, 'c'));
  world.link('b', 'a').reset();
  await world.run(world.now() + 100);
  expect([near.closed.length, far.closed.length, others[0]!.closed.length]).toEqual([1, 1, 0]);
});

test('a killed process ends or resets what it had open', async () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const { world, near, far } = await connected(seed);
    world.node('b').kill();
    await world.run(world.now() + 100);
    expect(far.closed).toEqual([]);
    expect(near.closed.length).toBe(1);
    seen.add(near.closed[0] === undefined ? 'end' : 'reset');
  }
  expect([...seen].sort()).toEqual(['end', 'reset']);
});

test('the loss of power tells nobody: a writer learns of it when the machine is back', async () => {
  const { world, near } = await connected();
  world.node('b').powerLoss();
  near.connection.write([Buffer.from('anybody there?')]);
  await world.run(world.now() + 20_000);
  expect(near.closed).toEqual([]);
  world.node('b').boot();
  await world.run(world.now() + 20_000);
  expect(near.closed).toMatchObject([{ code: 'closed' }]);
});

test('a machine without power does not answer, one without a process refuses', async () => {
  const { world, a } = await connected();
  world.node('b').powerLoss();
  expect(await world.settle(codeOf(connect(a, 'b', 300)))).toBe('timeout');
  world.node('b').boot();
  world.node('b').kill();
  expect(await world.settle(codeOf(connect(a, 'b', 300)))).toBe('refused');
});

test('an idle connection to a vanished peer is closed by keep-alive, a busy one much later', async () => {
  const idle = await connected(1);
  idle.world.node('b').powerLoss();
  await idle.world.run(idle.world.now() + 39_000);
  expect(idle.near.closed).toEqual([]);
  await idle.world.run(idle.world.now() + 2_000);
  expect(idle.near.closed).toMatchObject([{ code: 'timeout' }]);
  const busy = await connected(2);
  busy.link.set({ cut: true });
  busy.near.connection.write([Buffer.from('x')]);
  await busy.world.run(busy.world.now() + 900_000);
  expect([busy.near.closed.length, busy.far.closed.length]).toEqual([0, 1]);
  await busy.world.run(busy.world.now() + 30_000);
  expect(busy.near.closed).toMatchObject([{ code: 'timeout' }]);
});

test('an outage shorter than keep-alive goes unnoticed by idle connections', async () => {
  const { world, link, near, far } = await connected();
  for (let round = 0; round < 5; round++) {
    link.set({ cut: true });
    await world.run(world.now() + 30_000);
    link.set({ cut: false });
    await world.run(world.now() + 5_000);
  }
  expect([...near.closed, ...far.closed]).toEqual([]);
});

test('data to an end that was destroyed is answered by a reset', async () => {
  const { world, link, near, far } = await connected();
  link.set({ oneWayDrop: 'a-to-b' });
  near.connection.destroy();
  await world.run(world.now() + 100);
  far.connection.write([Buffer.from('too late')]);
  await world.run(world.now() + 100);
  expect(far.closed).toEqual([]);
  link.set({ oneWayDrop: undefined });
  await world.run(world.now() + 20_000);
  expect(far.closed.length).toBe(1);
  expect(near.chunks).toEqual([]);
});

test('a stalled process accepts and reads late, and loses nothing', async () => {
  const { world, near, far } = await connected();
  world.node('b').stall(5_000);
  near.connection.write([pattern(2000)]);
  near.connection.end();
  await world.run(world.now() + 4_000);
  expect(far.chunks).toEqual([]);
  await world.run(world.now() + 4_000);
  expect(received(far)).toEqual(pattern(2000));
  expect([near.closed, far.closed]).toEqual([[undefined], [undefined]]);
});

test('handlers that pause in the middle get nothing until they go on', async () => {
  const { world, near, far } = await connected();
  let pauses = 0;
  far.connection.onData = (chunk) => {
    far.chunks.push(Buffer.from(chunk));
    far.connection.pause();
    pauses++;
    world.after(10, () => far.connection.resume());
  };
  near.connection.write([pattern(200_000)]);
  near.connection.end();
  await world.run(world.now() + 60_000);
  expect(received(far).equals(pattern(200_000))).toBe(true);
  expect(pauses).toBeGreaterThan(3);
  expect(far.closed).toEqual([undefined]);
});

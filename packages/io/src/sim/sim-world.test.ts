/** A world as its users see it: one seed one run, and processes that die completely. */
import { expect, test } from 'vitest';
import type { Io, IoError } from '../io.ts';
import { below, createSimWorld, type SimWorld } from './sim-world.ts';

/** A bit of everything: timers, disk, network, faults. */
async function busyRun(seed: number): Promise<{ hash: string; lines: string[] }> {
  const lines: string[] = [];
  const world = createSimWorld({ seed, onTrace: (line) => lines.push(line) });
  const start = (name: string): void => {
    const io = world.node(name).boot();
    io.disk.makeFolder('/data');
    const file = io.disk.open('/data/log', 'a+');
    const peer = name === 'a' ? 'b' : 'a';
    void io.net.listen({ host: name, port: 1 }, (connection) => {
      connection.onData = (chunk) => connection.write([Buffer.from(chunk)]);
    });
    const work = async (): Promise<void> => {
      for (;;) {
        await io.timers.sleep(io.random.next() * 20);
        file.writev([io.random.bytes(700)], file.size());
        await file.sync();
        const connection = await io.net.connect({ host: peer, port: 1, timeoutMs: 50 }).catch(() => undefined);
        connection?.write([io.random.bytes(5000)]);
        connection?.end();
      }
    };
    void work();
  };
  start('a');
  start('b');
  for (let round = 0; round < 20; round++) {
    const name = world.random.next() < 0.5 ? 'a' : 'b';
    world.link('a', 'b').set({ cut: world.random.next() < 0.2, resetChance: 0.05 });
    world.after(below(world.random, 100), () => {
      if (world.random.next() < 0.5) world.node(name).powerLoss();
      start(name);
    });
    await world.run(world.now() + 100);
  }
  return { hash: world.traceHash(), lines };
}

test('one seed gives one run, another seed another', async () => {
  const [first, second, other] = [await busyRun(42), await busyRun(42), await busyRun(43)];
  expect(first.lines.length).toBeGreaterThan(1000);
  expect(second.lines).toEqual(first.lines);
  expect(second.hash).toBe(first.hash);
  expect(other.hash).not.toBe(first.hash);
});

test('one draw more in one process leaves the others their numbers', () => {
  const numbers = (extra: boolean): number => {
    const world = createSimWorld({ seed: 5 });
    const other = world.node('a').boot();
    if (extra) other.random.next();
    return world.node('b').boot().random.next();
  };
  expect(numbers(true)).toBe(numbers(false));
});

test('all promises of an event are worked off before time goes on', async () => {
  const world = createSimWorld({ seed: 1 });
  const { timers } = world.node('a').boot();
  let atMs = 0;
  timers.after(10, async () => {
    for (let depth = 0; depth < 5000; depth++) await undefined;
    await new Promise<void>((resolve) => process.nextTick(resolve));
    atMs = world.now();
  });
  timers.after(10.001, () => {});
  await world.run(1000);
  expect(atMs).toBe(10);
});

test('what an event throws ends the run', async () => {
  const world = createSimWorld({ seed: 1 });
  world
    .node('a')
    .boot()
    .timers.after(5, () => {
      throw new Error('a bug');
    });
  await expect(world.run(10)).rejects.toThrow('a bug');
  await world.run(20);
  expect(world.now()).toBe(20);
});

test('a promise that never settles is told after the limit', async () => {
  const world = createSimWorld({ seed: 1 });
  await expect(world.settle(new Promise(() => {}), 100)).rejects.toThrow('not settled within 100 ms');
  await expect(world.settle(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  expect(await world.runUntil(() => world.now() >= 150, 100)).toBe(false);
  expect(world.now()).toBe(200);
});

test('a world runs once at a time', async () => {
  const world = createSimWorld({ seed: 1 });
  const first = world.run(10);
  await expect(world.run(10)).rejects.toThrow('running already');
  await first;
});

async function outcomeOf(world: SimWorld, promise: Promise<unknown>): Promise<string> {
  let outcome = 'silent';
  promise.then(
    () => {
      outcome = 'done';
    },
    (error: IoError) => {
      outcome = error.code;
    },
  );
  await world.run(world.now() + 10_000);
  return outcome;
}

function startsOf(io: Io): Promise<unknown>[] {
  const file = io.disk.open('/x', 'w+');
  return [
    io.timers.sleep(5),
    file.sync(),
    file.readAsync(Buffer.alloc(1), 0, 1, 0),
    io.net.connect({ host: 'nobody', port: 1, timeoutMs: 10 }),
    io.net.listen({ host: 'a', port: 5 }, () => {}),
  ];
}

test('nothing that a process waited for reaches it after its death', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('a').boot();
  let ran = 0;
  io.timers.after(5, () => ran++);
  io.timers.defer(() => ran++);
  const waiting = startsOf(io);
  world.node('a').kill();
  for (const promise of waiting) expect(await outcomeOf(world, promise)).toBe('silent');
  expect(ran).toBe(0);
  expect(world.node('a').alive).toBe(false);
});

test('a dead process that calls out is told that it is closed', async () => {
  const world = createSimWorld({ seed: 1 });
  const io = world.node('a').boot();
  const file = io.disk.open('/x', 'w+');
  world.node('a').kill();
  expect(() => io.disk.exists('/x')).toThrow('closed');
  expect(() => file.size()).toThrow('closed');
  expect(await outcomeOf(world, file.sync())).toBe('closed');
  expect(await outcomeOf(world, io.net.connect({ host: 'a', port: 1, timeoutMs: 1 }))).toBe('closed');
  expect(
    await outcomeOf(
      world,
      io.net.listen({ host: 'a', port: 1 }, () => {}),
    ),
  ).toBe('closed');
  io.timers.after(1, () => expect.unreachable()).cancel();
  io.timers.after(1, () => expect.unreachable());
  file.close();
  await world.run(world.now() + 10);
});

test('a new process finds the files and the port of the killed one, and its lock free', async () => {
  const world = createSimWorld({ seed: 1 });
  const first = world.node('a').boot();
  first.disk.replaceFile('/x', Buffer.from('kept'));
  first.disk.open('/y', 'w+').writev([Buffer.from('in the page cache')], 0);
  first.disk.lock('/.lock');
  await world.settle(first.net.listen({ host: 'a', port: 5 }, () => {}));
  const second = world.node('a').boot();
  expect(() => first.disk.exists('/x')).toThrow('closed');
  expect(second.disk.readFile('/x').toString()).toBe('kept');
  expect(second.disk.readFile('/y').toString()).toBe('in the page cache');
  second.disk.lock('/.lock');
  await world.settle(second.net.listen({ host: 'a', port: 5 }, () => {}));
});

test('a stalled process misses nothing and runs late', async () => {
  const world = createSimWorld({ seed: 1 });
  const { timers, clock } = world.node('a').boot();
  const startMs = clock.monotonic();
  const ran: [string, number][] = [];
  timers.after(10, () => ran.push(['ten', clock.monotonic() - startMs]));
  timers.after(20, () => ran.push(['twenty', clock.monotonic() - startMs]));
  timers.after(30, () => expect.unreachable()).cancel();
  const late = timers.after(15, () => expect.unreachable());
  timers.after(200, () => ran.push(['later', clock.monotonic() - startMs]));
  await world.run(5);
  world.node('a').stall(100);
  await world.run(50);
  late.cancel();
  await world.run(300);
  expect(ran).toEqual([
    ['ten', 105],
    ['twenty', 105],
    ['later', 200],
  ]);
});

test('each machine has its own clock, and wall clocks may be off', async () => {
  const world = createSimWorld({ seed: 1 });
  const a = world.node('a').boot().clock;
  const b = world.node('b').boot().clock;
  world.node('b').setClockOffset(-500);
  await world.run(1234.5);
  expect(a.now()).toBe(Date.UTC(2026, 0, 1) + 1234);
  expect(a.now() - b.now()).toBe(500);
  expect(a.monotonic()).not.toBe(b.monotonic());
});

test('a clock that drifts takes its timers along, and keeps its time over a restart', async () => {
  const world = createSimWorld({ seed: 6 });
  const node = world.node('a');
  node.setClockDrift(100_000);
  const io = node.boot();
  const from = { wall: io.clock.now(), monotonic: io.clock.monotonic() };
  let rangAtMs = 0;
  io.timers.after(1_100, () => {
    rangAtMs = world.now();
  });
  await world.run(2_000);
  expect(rangAtMs).toBeCloseTo(1_000, 1);
  expect(io.clock.now() - from.wall).toBeCloseTo(2_200, -1);
  expect(io.clock.monotonic() - from.monotonic).toBeCloseTo(2_200, 3);
  node.setClockDrift(0);
  const again = node.boot();
  expect(again.clock.monotonic() - from.monotonic).toBeCloseTo(2_200, 3);
  await world.run(3_000);
  expect(again.clock.monotonic() - from.monotonic).toBeCloseTo(3_200, 3);
});

test('a slow disk lets asynchronous syncs wait, and holds the process up in blocking ones', async () => {
  const world = createSimWorld({ seed: 7 });
  const node = world.node('a');
  const io = node.boot();
  const file = io.disk.open('/log', 'a+');
  node.setSlow([500, 501]);
  let syncedAtMs = 0;
  void file.sync().then(() => {
    syncedAtMs = world.now();
  });
  await world.run(1_000);
  expect(syncedAtMs).toBeGreaterThanOrEqual(500);
  file.syncNow();
  let ranAtMs = 0;
  io.timers.after(1, () => {
    ranAtMs = world.now();
  });
  await world.run(2_000);
  expect(ranAtMs).toBeGreaterThanOrEqual(1_500);
  node.setSlow(undefined);
  io.timers.after(1, () => {
    ranAtMs = world.now();
  });
  await world.run(2_010);
  expect(ranAtMs).toBeLessThan(2_005);
});

test('a wiped machine has an empty disk, and its process is dead', async () => {
  const world = createSimWorld({ seed: 8 });
  const node = world.node('a');
  node.boot().disk.replaceFile('/kept', Buffer.from('x'));
  node.wipe();
  expect(node.alive).toBe(false);
  expect(node.boot().disk.exists('/kept')).toBe(false);
});

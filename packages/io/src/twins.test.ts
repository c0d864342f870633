/**
 * What both twins of the doorway promise, run on each: code that works on one works on the other.
 * The only differences are in the harness: who lets time pass, and where files may lie.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, type Io, IoError } from './io.ts';
import { createRealIo } from './real/real-io.ts';
import { createSimWorld } from './sim/sim-world.ts';

interface Harness {
  readonly io: Io;
  readonly folder: string;
  settle<T>(promise: Promise<T>): Promise<T>;
  until(done: () => boolean): Promise<void>;
  tidy(): void;
}

function realHarness(): Harness {
  const io = createRealIo();
  const folder = mkdtempSync(join(tmpdir(), 'meridian-io-'));
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await io.timers.sleep(1);
  };
  return { io, folder, settle: (promise) => promise, until, tidy: () => rmSync(folder, { recursive: true }) };
}

function simHarness(): Harness {
  const world = createSimWorld({ seed: 7 });
  const io = world.node('a').boot();
  io.disk.makeFolder('/data');
  const until = async (done: () => boolean): Promise<void> => {
    if (!(await world.runUntil(done, 60_000))) throw new Error('it did not come to that');
  };
  return { io, folder: '/data', settle: (promise) => world.settle(promise), until, tidy: () => {} };
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as IoError).code;
  }
  return 'no error';
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: IoError) => error.code,
  );
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe.each([
  ['real', realHarness],
  ['simulated', simHarness],
])('on the %s twin', (_name, create) => {
  let harness: Harness;
  let io: Io;
  let path: string;
  beforeEach(() => {
    harness = create();
    io = harness.io;
    path = `${harness.folder}/file`;
  });
  afterEach(() => harness.tidy());

  test('what was compressed comes back; damaged, cut off or larger than allowed it does not', async () => {
    const { zstd } = io;
    for (const size of [0, 1, 5_000, 3_000_000]) {
      const plain = Buffer.alloc(size, 'a city, and another one. ');
      const packed = await harness.settle(zstd.compress(plain, 1));
      if (size > 1_000) expect(packed.length).toBeLessThan(size / 10);
      const back = await harness.settle(zstd.decompress(packed, Math.max(1, size)));
      expect(back.equals(plain)).toBe(true);
      if (size < 2) continue;
      const refusal = (bytes: Uint8Array, maxBytes: number) =>
        harness.settle(rejection(zstd.decompress(bytes, maxBytes)));
      expect(await refusal(packed, size - 1)).toBe('too-large');
      expect(await refusal(packed.subarray(0, -1), size)).toBe('corrupt');
      expect(await refusal(Buffer.concat([packed, plain]), size)).toBe('corrupt');
      const twice = Buffer.concat([packed, packed]);
      expect((await harness.settle(zstd.decompress(twice, 2 * size))).length).toBe(2 * size);
    }
    expect(await harness.settle(rejection(zstd.decompress(Buffer.from('no frame at all'), 100)))).toBe('corrupt');
  });

  test('more at once than there are threads are all done', async () => {
    const { zstd } = io;
    const plain = Array.from({ length: 9 }, (_, n) => Buffer.alloc(1_000 * n, n));
    const packed = await harness.settle(Promise.all(plain.map((bytes) => zstd.compress(bytes, 1))));
    const back = await harness.settle(Promise.all(packed.map((bytes) => zstd.decompress(bytes, 8_000))));
    expect(back).toEqual(plain);
  });

  test('a timer comes after its delay, in order, and not when it was cancelled', async () => {
    const order: string[] = [];
    const startMs = io.clock.monotonic();
    let lateMs = 0;
    io.timers.after(20, () => {
      order.push('twenty');
      lateMs = io.clock.monotonic() - startMs;
    });
    io.timers.after(1, () => order.push('one'));
    io.timers.after(5, () => order.push('cancelled')).cancel();
    await harness.until(() => order.length === 2);
    expect(order).toEqual(['one', 'twenty']);
    expect(lateMs).toBeGreaterThanOrEqual(20);
  });

  test('a sleep ends when its signal aborts, and does not begin when it has', async () => {
    const abort = new AbortController();
    const sleep = io.timers.sleep(1_000_000, abort.signal);
    abort.abort();
    await harness.settle(sleep);
    await harness.settle(io.timers.sleep(1_000_000, abort.signal));
  });

  test('what is deferred runs after the promises of the turn', async () => {
    const order: string[] = [];
    io.timers.defer(() => order.push('deferred'));
    void Promise.resolve().then(() => order.push('promise'));
    order.push('turn');
    await harness.until(() => order.length === 3);
    expect(order).toEqual(['turn', 'promise', 'deferred']);
  });

  test('a file is written by position, whatever the mode, and read up to its end', async () => {
    const file = io.disk.open(path, 'a+');
    file.writev([Buffer.from('hello'), Buffer.from(' '), Buffer.from('world')], 0);
    file.writev([Buffer.from('J')], 0);
    file.writev([], 3);
    const target = Buffer.alloc(20);
    expect(file.read(target, 0, 20, 6)).toBe(5);
    expect(text(target.subarray(0, 5))).toBe('world');
    expect(await harness.settle(file.readAsync(target, 2, 3, 0))).toBe(3);
    expect(text(target.subarray(2, 5))).toBe('Jel');
    expect(await harness.settle(file.readAsync(target, 0, 20, 11))).toBe(0);
    file.truncate(5);
    expect(file.size()).toBe(5);
    file.writev([Buffer.from('!')], 7);
    expect(io.disk.readFile(path)).toEqual(Buffer.from('Jello\0\0!'));
  });

  test('a gather list longer than the kernel takes at once is written whole', () => {
    const file = io.disk.open(path, 'w+');
    const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.alloc(7, index));
    file.writev(pieces, 3);
    expect(io.disk.readFile(path).subarray(3)).toEqual(Buffer.concat(pieces));
  });

  test('modes differ in what must exist and what stays', () => {
    expect(codeOf(() => io.disk.open(path, 'r'))).toBe('not-found');
    expect(codeOf(() => io.disk.open(path, 'r+'))).toBe('not-found');
    io.disk.open(path, 'w+').writev([Buffer.from('abc')], 0);
    io.disk.open(path, 'a+').close();
    io.disk.open(path, 'r+').close();
    expect(text(io.disk.readFile(path))).toBe('abc');
    io.disk.open(path, 'w+').close();
    expect(io.disk.stat(path)).toMatchObject({ size: 0, isFolder: false });
  });

  test('a closed file refuses everything, and closing waits for what is on its way', async () => {
    const file = io.disk.open(path, 'w+');
    file.writev([Buffer.from('abc')], 0);
    const target = Buffer.alloc(3);
    const pending = [file.readAsync(target, 0, 3, 0), file.sync()];
    file.close();
    file.close();
    await harness.settle(Promise.all(pending));
    expect(text(target)).toBe('abc');
    expect(codeOf(() => file.size())).toBe('closed');
    expect(codeOf(() => file.writev([target], 0))).toBe('closed');
    expect(codeOf(() => file.read(target, 0, 1, 0))).toBe('closed');
    expect(await harness.settle(rejection(file.sync()))).toBe('closed');
    expect(await harness.settle(rejection(file.readAsync(target, 0, 1, 0)))).toBe('closed');
  });

  test('folders list names sorted, and go with all that is in them', () => {
    const folder = `${harness.folder}/deep/er`;
    io.disk.makeFolder(folder);
    io.disk.makeFolder(folder);
    for (const name of ['b', 'a', 'C']) io.disk.open(`${folder}/${name}`, 'w+').close();
    expect(io.disk.list(folder)).toEqual(['C', 'a', 'b']);
    expect(io.disk.stat(folder).isFolder).toBe(true);
    io.disk.syncFolder(folder);
    io.disk.removeFolder(`${harness.folder}/deep`);
    expect(io.disk.exists(folder)).toBe(false);
    expect(io.disk.list(harness.folder)).toEqual([]);
    expect(codeOf(() => io.disk.list(folder))).toBe('not-found');
    expect(codeOf(() => io.disk.removeFolder(folder))).toBe('not-found');
  });

  test('a folder is synced without blocking, by the name that it had', async () => {
    const folder = `${harness.folder}/synced`;
    io.disk.makeFolder(folder);
    const synced = io.disk.syncFolderAsync(folder);
    io.disk.rename(folder, `${folder}.2`);
    await harness.settle(synced);
    expect(await harness.settle(rejection(io.disk.syncFolderAsync(folder)))).toBe('not-found');
  });

  test('a rename replaces, a removal removes, and both want something to be there', () => {
    io.disk.replaceFile(path, Buffer.from('new'));
    io.disk.replaceFile(`${path}.2`, Buffer.from('newer'));
    io.disk.rename(`${path}.2`, path);
    expect(text(io.disk.readFile(path))).toBe('newer');
    expect(io.disk.list(harness.folder)).toEqual(['file']);
    io.disk.remove(path);
    expect(codeOf(() => io.disk.remove(path))).toBe('not-found');
    expect(codeOf(() => io.disk.rename(path, `${path}.3`))).toBe('not-found');
    expect(codeOf(() => io.disk.stat(path))).toBe('not-found');
    expect(codeOf(() => io.disk.open(`${path}/below`, 'w+'))).toBe('not-found');
  });

  test('a failed replacement leaves what was there, and no temporary file', () => {
    io.disk.makeFolder(path);
    io.disk.replaceFile(`${path}/x`, Buffer.from('x'));
    expect(codeOf(() => io.disk.replaceFile(path, Buffer.from('y')))).toBe('is-folder');
    expect(codeOf(() => io.disk.readFile(path))).toBe('is-folder');
    expect(codeOf(() => io.disk.remove(path))).toBe('is-folder');
    expect(io.disk.list(harness.folder)).toEqual(['file']);
    expect(text(io.disk.readFile(`${path}/x`))).toBe('x');
  });

  test('a renamed folder takes its files along', () => {
    io.disk.makeFolder(`${harness.folder}/old`);
    io.disk.replaceFile(`${harness.folder}/old/x`, Buffer.from('x'));
    io.disk.rename(`${harness.folder}/old`, `${harness.folder}/new`);
    expect(io.disk.list(harness.folder)).toEqual(['new']);
    expect(text(io.disk.readFile(`${harness.folder}/new/x`))).toBe('x');
  });

  test('a lock is held once, and free again after its release', () => {
    const lock = io.disk.lock(`${harness.folder}/.lock`);
    expect(codeOf(() => io.disk.lock(`${harness.folder}/.lock`))).toBe('locked');
    lock.release();
    lock.release();
    const second = io.disk.lock(`${harness.folder}/.lock`);
    lock.release();
    expect(codeOf(() => io.disk.lock(`${harness.folder}/.lock`))).toBe('locked');
    second.release();
  });

  test('there is free space, also where the folder is still to be made', () => {
    expect(io.disk.freeBytes(harness.folder)).toBeGreaterThan(0);
    expect(io.disk.freeBytes(`${harness.folder}/not/yet`)).toBeGreaterThan(0);
  });

  async function pair(): Promise<{ near: Connection; far: Connection; port: number; close(): Promise<void> }> {
    let far: Connection | undefined;
    const listener = await harness.settle(
      io.net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
        far = connection;
      }),
    );
    const near = await harness.settle(io.net.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 5_000 }));
    await harness.until(() => far !== undefined);
    return { near, far: far!, port: listener.port, close: () => listener.close() };
  }

  test('bytes arrive whole and in order, and an end after all of them', async () => {
    const { near, far, close } = await pair();
    const received: Buffer[] = [];
    const closed: unknown[] = [];
    far.onData = (chunk) => received.push(Buffer.from(chunk));
    far.onClose = (error) => closed.push(error);
    near.onClose = (error) => closed.push(error);
    const sent = Array.from({ length: 400 }, (_, index) => Buffer.alloc(index * 17, index));
    for (let index = 0; index < sent.length; index += 4) near.write(sent.slice(index, index + 4));
    near.end();
    await harness.until(() => closed.length === 2);
    expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
    expect(closed).toEqual([undefined, undefined]);
    expect(near.write([Buffer.from('late')])).toBe(false);
    await close();
  });

  test('the answer to a peer that has ended still gets there', async () => {
    const { near, far, close } = await pair();
    const answer: Buffer[] = [];
    let ended = false;
    near.onData = (chunk) => answer.push(Buffer.from(chunk));
    near.onClose = () => {
      ended = true;
    };
    far.onData = () => far.write([Buffer.alloc(100_000, 1)]);
    near.write([Buffer.from('?')]);
    near.end();
    await harness.until(() => ended);
    expect(Buffer.concat(answer).length).toBe(100_000);
    await close();
  });

  test('a reader that pauses fills the writer up, and drains it when it goes on', async () => {
    const { near, far, close } = await pair();
    let received = 0;
    let drained = 0;
    far.onData = (chunk) => {
      received += chunk.length;
    };
    near.onDrain = () => drained++;
    far.pause();
    const chunk = Buffer.alloc(1024 * 1024);
    let sent = 0;
    while (near.bufferedBytes < 8 * chunk.length && sent < 64 * chunk.length) {
      near.write([chunk]);
      sent += chunk.length;
      await harness.settle(io.timers.sleep(1));
    }
    expect(near.bufferedBytes).toBeGreaterThan(0);
    expect(near.write([chunk])).toBe(false);
    sent += chunk.length;
    far.resume();
    await harness.until(() => received === sent && drained > 0);
    expect(near.bufferedBytes).toBe(0);
    near.destroy();
    await close();
  });

  test('a writer is told once when the kernel has taken what it wrote, not before, and never after a break', async () => {
    const { near, far, close } = await pair();
    const taken: string[] = [];
    near.write([Buffer.from('a'), Buffer.from('b')], () => taken.push('small'));
    expect(taken).toEqual([]);
    await harness.until(() => taken.length > 0);
    far.pause();
    const large = Buffer.alloc(32 * 1024 * 1024);
    near.write([large, Buffer.from('end')], () => taken.push('large'));
    await harness.settle(io.timers.sleep(50));
    expect(taken).toEqual(['small']);
    far.resume();
    await harness.until(() => taken.length > 1);
    far.pause();
    near.write([large], () => taken.push('lost'));
    await harness.settle(io.timers.sleep(5));
    near.destroy();
    await harness.settle(io.timers.sleep(50));
    expect(taken).toEqual(['small', 'large']);
    await close();
  });

  test('memory that was let go of serves again in a later turn, and not while somebody holds a part of it', async () => {
    const nextTurn = () => harness.settle(io.timers.sleep(1));
    const size = 100_001;
    const first = io.memory.take(size);
    expect(first.length).toBe(size);
    io.memory.hold(first.subarray(10, 20));
    await nextTurn();
    const second = io.memory.take(size);
    expect(second.buffer).not.toBe(first.buffer);
    io.memory.release(first);
    expect(io.memory.take(size).buffer).not.toBe(first.buffer);
    await nextTurn();
    const later = [io.memory.take(size), io.memory.take(size), io.memory.take(size)];
    expect(later.map(({ buffer }) => buffer)).toContain(first.buffer);
    expect(later.map(({ buffer }) => buffer)).toContain(second.buffer);
  });

  test('destroying closes both ends, once', async () => {
    const { near, far, close } = await pair();
    let nearClosed = 0;
    let farClosed = 0;
    near.onClose = () => nearClosed++;
    far.onClose = () => farClosed++;
    near.destroy();
    near.destroy();
    near.end();
    await harness.until(() => nearClosed > 0 && farClosed > 0);
    await harness.settle(io.timers.sleep(5));
    expect([nearClosed, farClosed]).toEqual([1, 1]);
    await close();
  });

  test('a listener that closes keeps its connections and frees its port', async () => {
    const { near, far, port, close } = await pair();
    expect(await harness.settle(rejection(io.net.listen({ host: '127.0.0.1', port }, () => {})))).toBe(
      'address-in-use',
    );
    await harness.settle(close());
    expect(await harness.settle(rejection(io.net.connect({ host: '127.0.0.1', port, timeoutMs: 5_000 })))).toBe(
      'refused',
    );
    let received = '';
    far.onData = (chunk) => {
      received += text(chunk);
    };
    near.write([Buffer.from('still here')]);
    await harness.until(() => received === 'still here');
    await harness.settle((await harness.settle(io.net.listen({ host: '127.0.0.1', port }, () => {}))).close());
    near.destroy();
  });

  test('a connect that is aborted or goes nowhere rejects with a coded error', async () => {
    const abort = new AbortController();
    const { port, close, near } = await pair();
    const connecting = io.net.connect({ host: '127.0.0.1', port, timeoutMs: 5_000, signal: abort.signal });
    abort.abort();
    expect(await harness.settle(rejection(connecting))).toBe('closed');
    const again = io.net.connect({ host: '127.0.0.1', port, timeoutMs: 5_000, signal: abort.signal });
    expect(await harness.settle(rejection(again))).toBe('closed');
    const nowhere = io.net.connect({ host: 'no-such-host.invalid', port: 1, timeoutMs: 20_000 });
    expect(['unreachable', 'timeout']).toContain(await harness.settle(rejection(nowhere)));
    expect(new IoError('refused', 'x')).toBeInstanceOf(Error);
    near.destroy();
    await close();
  });
});

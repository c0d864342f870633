import type { DiskFile, Io } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { emptyBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { type Log, type OpenLogOptions, openLog } from './log.ts';
import { batchesIn, batchOf, valuesIn } from './test-batches.ts';

const FOLDER = '/data/topic-0';

function setting(options: Partial<OpenLogOptions> = {}) {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const calls: string[] = [];
  const open = (): Log => openLog({ io: counted(node.boot(), calls), folder: FOLDER, ...options });
  return { world, node, open, calls, log: open() };
}

/** The same `Io`, but every call on a `.log` file leaves its name in `calls`. */
function counted(io: Io, calls: string[]): Io {
  const wrap = (file: DiskFile): DiskFile =>
    new Proxy(file, {
      get(target, name) {
        const value = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (target.path.endsWith('.log')) calls.push(String(name));
          return Reflect.apply(value, target, args);
        };
      },
    });
  const disk = new Proxy(io.disk, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name === 'open') return (...args: Parameters<typeof target.open>) => wrap(target.open(...args));
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...io, clock: io.clock, timers: io.timers, random: io.random, net: io.net, disk };
}

const fill = (log: Log, count: number, size = 1): void => {
  for (let index = 0; index < count; index++) log.append([batchOf(log.endOffset, [`${index}`.padEnd(size)])], 0);
};

test('what is appended can be read at once, is written at the end of the turn in one call, and durable when flushed', async () => {
  const { world, log, calls } = setting();
  expect(log.append([batchOf(0, ['a', 'b']), batchOf(2, ['c'])], 4)).toEqual({ firstOffset: 0, lastOffset: 2 });
  log.append([batchOf(3, ['d'])], 4);
  expect([log.endOffset, log.writtenEnd, log.durableEnd]).toEqual([4, 0, 0]);
  expect(valuesIn(log)).toEqual(['a', 'b', 'c', 'd']);
  expect(calls).toEqual([]);
  let progressed = 0;
  log.onProgress = () => {
    progressed += 1;
  };
  await world.run(10);
  expect([log.writtenEnd, log.durableEnd, progressed]).toEqual([4, 0, 1]);
  expect(calls).toEqual(['writev']);
  await world.settle(log.flush());
  expect([log.durableEnd, progressed]).toEqual([4, 2]);
  expect(calls).toEqual(['writev', 'sync']);
  expect(log.epochs.latestEpoch).toBe(4);
});

test('appends that come while an fsync is under way share the next one', async () => {
  const { world, node, log, calls } = setting({ config: { fsync: true } });
  node.setSyncLatency([5, 5]);
  for (let turn = 0; turn < 10; turn++) {
    fill(log, 3);
    await world.run(world.now() + 1);
  }
  await world.settle(log.flush());
  expect(log.durableEnd).toBe(30);
  expect(calls.filter((call) => call === 'sync').length).toBeLessThanOrEqual(4);
});

test('a failed fsync takes the log offline for good, and is not tried again', async () => {
  const { world, node, log, calls } = setting();
  const failures: Error[] = [];
  log.onFailure = (error) => failures.push(error);
  await world.settle(log.flush());
  fill(log, 1);
  await world.settle(log.flush());
  calls.length = 0;
  fill(log, 3);
  node.failNextSync();
  await expect(world.settle(log.flush())).rejects.toMatchObject({ code: 'io' });
  expect(failures).toHaveLength(1);
  expect(log.failure).toBe(failures[0]);
  expect(() => fill(log, 1)).toThrow(expect.objectContaining({ code: 'offline' }));
  expect(() => log.read(0, { maxBytes: 1 })).toThrow(expect.objectContaining({ code: 'offline' }));
  expect(() => log.flush()).toThrow(expect.objectContaining({ code: 'offline' }));
  await world.run(1000);
  expect(calls.filter((call) => call === 'sync')).toHaveLength(1);
  await world.settle(log.close(true));
});

test('a full disk takes the log offline, and what was written before is there after a restart', async () => {
  const { world, node, open, log } = setting();
  fill(log, 5);
  await world.settle(log.flush());
  node.setFull(true);
  let failure: Error | undefined;
  log.onFailure = (error) => {
    failure = error;
  };
  fill(log, 5, 5000);
  await world.run(world.now() + 10);
  expect(failure).toMatchObject({ code: 'no-space' });
  node.setFull(false);
  node.kill();
  expect(open().endOffset).toBeGreaterThanOrEqual(5);
});

test('the tail is read without the disk, older batches with one call, and on from there with one each', async () => {
  const { world, calls, log } = setting({ limits: { tailBytes: 6_000 } });
  fill(log, 1000, 100);
  await world.run(10);
  calls.length = 0;
  expect(log.read(995, { maxBytes: 1000 }).fromTail).toBe(true);
  expect(calls).toEqual([]);
  const first = log.read(500, { maxBytes: 10_000 });
  expect(first).toMatchObject({ fromTail: false });
  expect(first.bytes).toBeGreaterThan(9_000);
  log.read(first.nextOffset, { maxBytes: 10_000 });
  expect(calls).toEqual(['read', 'read']);
});

test('a read returns whole batches up to its limits, and the first one whatever its size if asked', async () => {
  const { world, log } = setting({ limits: { tailBytes: 0 } });
  const big = batchOf(0, ['x'.repeat(50_000)]);
  log.append([big, batchOf(1, ['y']), batchOf(2, ['z'])], 0);
  for (const where of ['tail', 'disk']) {
    expect(log.read(0, { maxBytes: 100 }), where).toMatchObject({ bytes: 0, nextOffset: 0 });
    expect(log.read(0, { maxBytes: 100, minOneBatch: true }), where).toMatchObject({
      bytes: big.length,
      nextOffset: 1,
    });
    expect(log.read(0, { maxBytes: big.length + 150 }), where).toMatchObject({ nextOffset: 3 });
    expect(log.read(0, { maxBytes: 1e6, maxOffset: 2 }), where).toMatchObject({ nextOffset: 2 });
    expect(log.read(1, { maxBytes: 1e6, maxOffset: 1, minOneBatch: true }), where).toMatchObject({ bytes: 0 });
    expect(log.read(3, { maxBytes: 1e6 }), where).toMatchObject({ bytes: 0, nextOffset: 3 });
    await world.run(world.now() + 10);
  }
  expect(() => log.read(4, { maxBytes: 1 })).toThrow(expect.objectContaining({ code: 'out-of-range' }));
});

test('batches that overlap, or buffers that are not one batch, are refused and change nothing', () => {
  const { log } = setting();
  fill(log, 3);
  const code = expect.objectContaining({ code: 'not-contiguous' });
  expect(() => log.append([batchOf(2, ['x'])], 0)).toThrow(code);
  expect(() => log.append([batchOf(3, ['x']), batchOf(3, ['y'])], 0)).toThrow(code);
  expect(() => log.append([Buffer.concat([batchOf(3, ['x']), batchOf(4, ['y'])])], 0)).toThrow(code);
  expect(log.endOffset).toBe(3);
});

test('a mirrored log keeps the epochs of its origin, gaps and empty batches, over a restart', async () => {
  const { world, node, open, log } = setting();
  log.appendMirrored([batchOf(0, ['a'], { leaderEpoch: 3 }), batchOf(5, ['b'], { leaderEpoch: 4 })], 11);
  log.appendMirrored([Buffer.from(emptyBatch({ baseOffset: 6, lastOffset: 99, leaderEpoch: 4 }))], 11);
  log.appendMirrored([batchOf(100, ['c'], { leaderEpoch: 6 })], 12);
  await world.settle(log.flush());
  node.powerLoss();
  const again = open();
  expect(again.endOffset).toBe(101);
  expect(again.originEpochs.entries).toEqual([
    { epoch: 3, startOffset: 0 },
    { epoch: 4, startOffset: 5 },
    { epoch: 6, startOffset: 100 },
  ]);
  expect(again.epochs.entries.map((entry) => entry.epoch)).toEqual([11, 12]);
  expect(batchesIn(again, 3).map(({ offset }) => offset)).toEqual([5, 6, 100]);
  expect(again.originEpochs.endOffsetFor(5)).toEqual({ epoch: 4, endOffset: 100 });
});

test('segments roll by size, and by the span of record timestamps', async () => {
  const { world, node, log } = setting({ config: { segmentBytes: 1000, segmentMs: 10_000 } });
  const segments = () =>
    node
      .boot()
      .disk.list(FOLDER)
      .filter((name) => name.endsWith('.log'));
  fill(log, 20, 100);
  log.append([batchOf(20, ['later'], { timestamp: 50_000 })], 0);
  log.append([batchOf(21, ['old'], { timestamp: 0 })], 0);
  await world.settle(log.close(true));
  expect(segments().length).toBe(5);
});

test('segments that are as old roll at different times where a jitter is set', () => {
  const { node, log } = setting({ config: { segmentMs: 100_000, segmentJitterMs: 60_000 } });
  for (let offset = 0; offset < 600; offset++) log.append([batchOf(offset, ['x'], { timestamp: offset * 1_000 })], 0);
  const { disk } = node.boot();
  const names = disk.list(FOLDER).filter((name) => name.endsWith('.log'));
  const starts = names.map((name) => Number.parseInt(name, 10));
  const spans = starts.slice(1).map((start, index) => start - starts[index]!);
  expect(new Set(spans).size).toBeGreaterThan(2);
  for (const span of spans) expect(span >= 41 && span <= 101).toBe(true);
});

test('records are found by time, in closed segments and in the tail', async () => {
  const { world, log } = setting({
    config: { segmentBytes: 2000, indexIntervalBytes: 100 },
    limits: { tailBytes: 500 },
  });
  for (let offset = 0; offset < 90; offset += 3) {
    log.append([batchOf(offset, ['a', 'b', 'c'], { timestamp: 10_000 + offset * 10 })], 2);
  }
  await world.run(10);
  expect(log.offsetForTimestamp(0)).toEqual({ offset: 0, timestamp: 10_000, leaderEpoch: 2 });
  expect(log.offsetForTimestamp(10_302)).toEqual({ offset: 32, timestamp: 10_302, leaderEpoch: 2 });
  expect(log.offsetForTimestamp(10_303)).toEqual({ offset: 33, timestamp: 10_330, leaderEpoch: 2 });
  expect(log.offsetForTimestamp(20_000)).toBeUndefined();
  expect(log.offsetOfMaxTimestamp()).toEqual({ offset: 89, timestamp: 10_872, leaderEpoch: 2 });
  log.advanceStart(31);
  expect(log.offsetForTimestamp(0)).toEqual({ offset: 31, timestamp: 10_301, leaderEpoch: 2 });
});

test('a cut log ends where it was cut, forgets the epochs and producers behind, and stays cut', async () => {
  const { world, node, open, log } = setting({ config: { segmentBytes: 1000, indexIntervalBytes: 100 } });
  for (let index = 0; index < 40; index++) {
    const extras = { producerId: 1, producerEpoch: 0, baseSequence: index };
    log.append([batchOf(index, ['x'.repeat(50)], extras)], Math.floor(index / 10));
  }
  await world.settle(log.flush());
  log.truncateTo(15);
  expect([log.endOffset, log.writtenEnd, log.durableEnd, log.epochs.latestEpoch]).toEqual([15, 15, 15, 1]);
  node.powerLoss();
  const again = open();
  expect([again.endOffset, again.epochs.latestEpoch]).toEqual([15, 1]);
  again.append([batchOf(15, ['new'])], 7);
  expect(valuesIn(again, 14)).toEqual(['x'.repeat(50), 'new']);
  again.truncateFullyAndStartAt(1000);
  expect([again.startOffset, again.endOffset, again.producers.size]).toEqual([1000, 1000, 0]);
  again.append([batchOf(1000, ['far'])], 7);
  await world.settle(again.close(true));
  const third = open();
  expect([third.startOffset, valuesIn(third)]).toEqual([1000, ['far']]);
});

test('a flush that waits while the log is cut still ends', async () => {
  const { world, log } = setting();
  fill(log, 10);
  const flushed = log.flush();
  log.truncateTo(4);
  await world.settle(flushed);
  expect(log.durableEnd).toBe(4);
});

test('a start that moves forward removes the segments below, and survives a restart', async () => {
  const { world, node, open, log } = setting({ config: { segmentBytes: 1000 } });
  fill(log, 50, 50);
  const before = log.sizeInBytes;
  log.advanceStart(33);
  expect(log.sizeInBytes).toBeLessThan(before);
  expect(() => log.read(32, { maxBytes: 1 })).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  await world.settle(log.flush());
  node.powerLoss();
  const again = open();
  expect([again.startOffset, again.endOffset]).toEqual([33, 50]);
  expect(batchesIn(again)[0]!.offset).toBe(33);
  await world.settle(again.close(true));
});

test('a closed log refuses everything', async () => {
  const { world, log } = setting();
  await world.settle(log.close(true));
  expect(() => fill(log, 1)).toThrow(expect.objectContaining({ code: 'closed' }));
  expect(() => log.read(0, { maxBytes: 1 })).toThrow(expect.objectContaining({ code: 'closed' }));
});

import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { type Log, type LogConfig, openLog, type Retention } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const KEEP_ALL: Retention = { nowMs: 0, retentionMs: -1, retentionBytes: -1, maxOffset: Number.MAX_SAFE_INTEGER };
const VALUE = 'x'.repeat(100);

/** Thirty batches, one a second by their timestamps, a few in each segment. */
function setting(config: Partial<LogConfig> = {}) {
  const world = createSimWorld({ seed: 5 });
  const node = world.node('broker');
  let io = node.boot();
  const open = (): Log => openLog({ io, folder: FOLDER, config: { segmentBytes: 1000, ...config } });
  const reopen = (): Log => {
    io = node.boot();
    return open();
  };
  const log = open();
  for (let second = 0; second < 30; second++) log.append([batchOf(second, [VALUE], { timestamp: second * 1000 })], 0);
  const files = (suffix: string) => io.disk.list(FOLDER).filter((name) => name.endsWith(suffix));
  return { world, node, reopen, log, files };
}

test('segments go by the age of their newest record, and the start moves to the first that stays', () => {
  const { log } = setting();
  expect(log.applyRetention({ ...KEEP_ALL, nowMs: 30_000, retentionMs: 60_000 })).toBe(0);
  const dropped = log.applyRetention({ ...KEEP_ALL, nowMs: 30_000, retentionMs: 15_000 });
  expect(dropped).toBeGreaterThan(0);
  expect(log.startOffset).toBeGreaterThan(5);
  expect(log.startOffset).toBeLessThanOrEqual(15);
  expect(valuesIn(log)).toHaveLength(30 - log.startOffset);
  expect(log.applyRetention({ ...KEEP_ALL, nowMs: 30_000, retentionMs: 15_000 })).toBe(0);
});

test('a log whose every record is too old is emptied and goes on at its end', async () => {
  const { world, node, reopen, log } = setting();
  expect(log.applyRetention({ ...KEEP_ALL, nowMs: 1e9, retentionMs: 1000 })).toBeGreaterThan(3);
  expect([log.startOffset, log.endOffset, log.sizeInBytes]).toEqual([30, 30, 0]);
  expect(log.applyRetention({ ...KEEP_ALL, nowMs: 1e9, retentionMs: 1000 })).toBe(0);
  log.append([batchOf(30, ['new'])], 1);
  await world.settle(log.flush());
  node.powerLoss();
  const again = reopen();
  expect([again.startOffset, valuesIn(again)]).toEqual([30, ['new']]);
});

test('the oldest segments go as long as what stays is not below the size to keep', () => {
  const { log } = setting();
  const before = log.sizeInBytes;
  expect(log.applyRetention({ ...KEEP_ALL, retentionBytes: before })).toBe(0);
  expect(log.applyRetention({ ...KEEP_ALL, retentionBytes: 2500 })).toBeGreaterThan(0);
  expect(log.sizeInBytes).toBeGreaterThanOrEqual(2500);
  expect(log.sizeInBytes).toBeLessThan(3500);
});

test('nothing beyond the high watermark goes', () => {
  const { log } = setting();
  log.applyRetention({ nowMs: 1e9, retentionMs: 0, retentionBytes: 0, maxOffset: 12 });
  expect(log.startOffset).toBeGreaterThan(4);
  expect(log.startOffset).toBeLessThanOrEqual(12);
});

test('dropped files wait under their .deleted names, and the next start removes what is left of them', async () => {
  const { world, reopen, log, files } = setting({ fileDeleteDelayMs: 5000 });
  await world.settle(log.flush());
  log.applyRetention({ ...KEEP_ALL, nowMs: 30_000, retentionMs: 15_000 });
  const waiting = files('.log.deleted').length;
  expect(waiting).toBeGreaterThan(0);
  await world.run(world.now() + 4000);
  expect(files('.log.deleted')).toHaveLength(waiting);
  await world.run(world.now() + 2000);
  log.advanceStart(29);
  expect(files('.log.deleted').length).toBeGreaterThan(0);
  await world.settle(log.close(true));
  expect(reopen().startOffset).toBe(29);
  expect(files('.deleted')).toEqual([]);
});

test('a power loss while segments are dropped leaves no hole', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = createSimWorld({ seed });
    const node = world.node('broker');
    const open = () => openLog({ io: node.boot(), folder: FOLDER, config: { segmentBytes: 300 } });
    const log = open();
    for (let offset = 0; offset < 20; offset++) log.append([batchOf(offset, [VALUE])], 0);
    if (seed % 2 === 0) await world.settle(log.flush());
    log.applyRetention({ ...KEEP_ALL, retentionBytes: seed * 60 });
    const start = log.startOffset;
    node.powerLoss();
    const again = open();
    expect(again.startOffset).toBe(start);
    if (seed % 2 === 0) expect(valuesIn(again)).toHaveLength(20 - start);
  }
});

test('a segment is closed when its index is full', () => {
  const { log, files } = setting({ segmentBytes: 1e6, indexIntervalBytes: 1, indexBytes: 48 });
  expect(log.endOffset).toBe(30);
  expect(files('.log').length).toBeGreaterThan(6);
});

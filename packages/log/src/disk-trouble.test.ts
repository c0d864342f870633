/** A disk that is full or fails in the middle of what a log does: it goes offline, lies about nothing, and comes back. */
import { createSimWorld, type SimNode, type SimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { append, policy, recordsIn, seal } from './cleaner/test-log.ts';
import { type Log, openLog, openLogDir } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const SMALL = { segmentBytes: 400, indexIntervalBytes: 100, fsync: true };

function start(seed = 1): { world: SimWorld; node: SimNode; open(): Log } {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  const open = () => openLog({ io: node.boot(), folder: FOLDER, config: SMALL, limits: { tailBytes: 0 } });
  return { world, node, open };
}

const VALUE = 'v'.repeat(80);

test.each([0, 1, 60, 150, 200, 400])(
  'a disk with %i bytes left takes the log offline where it is full, and all that was acknowledged comes back',
  async (freeBytes) => {
    const { world, node, open } = start(freeBytes + 1);
    const log = open();
    for (let count = 0; count < 5; count++) log.append([batchOf(log.endOffset, [VALUE])], 1);
    await world.settle(log.flush());
    const acknowledged = log.durableEnd;
    let failures = 0;
    log.onFailure = () => {
      failures += 1;
    };
    node.setFreeBytes(freeBytes);
    for (let count = 0; count < 9 && log.failure === undefined; count++) {
      try {
        log.append([batchOf(log.endOffset, [VALUE])], 1);
        await world.settle(log.flush());
      } catch {}
    }
    expect(failures).toBe(1);
    expect(log.failure).toMatchObject({ code: 'no-space' });
    expect(() => log.append([batchOf(log.endOffset, [VALUE])], 1)).toThrow(
      expect.objectContaining({ code: 'offline' }),
    );
    const { durableEnd } = log;
    expect(durableEnd).toBeGreaterThanOrEqual(acknowledged);
    node.setFull(false);
    const again = open();
    expect(again.endOffset).toBeGreaterThanOrEqual(durableEnd);
    expect(valuesIn(again)).toEqual(Array(again.endOffset).fill(VALUE));
    again.append([batchOf(again.endOffset, ['more'])], 1);
    await world.settle(again.flush());
    expect(valuesIn(again).at(-1)).toBe('more');
  },
);

test.each([0, 30, 200])(
  'a compaction for which %i bytes are left keeps the newest record of each key, and goes on when there is room',
  async (bytes) => {
    const { world, node, open } = start();
    const log = open();
    for (let count = 0; count < 20; count++) append(log, [[`k${count % 3}`, `${count}-${VALUE}`]]);
    await seal(world, log);
    const newest = (of: Log) => new Map(recordsIn(of).map(({ key, value }) => [key, value]));
    const before = newest(log);
    node.setFreeBytes(bytes);
    await expect(world.settle(log.compaction.run(policy()))).rejects.toMatchObject({ code: 'no-space' });
    expect(newest(log)).toEqual(before);
    node.setFull(false);
    const room = log.failure === undefined ? log : open();
    expect(newest(room)).toEqual(before);
    await world.settle(room.compaction.run(policy()));
    expect(
      recordsIn(room)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['k0', 'k1', 'k2']);
  },
);

test('a checkpoint for which there is no room leaves the old one, and is written later', async () => {
  const world = createSimWorld({ seed: 3 });
  const node = world.node('broker');
  const io = node.boot();
  const dir = openLogDir({ io, path: '/data' });
  const failures: string[] = [];
  dir.onFailure = ({ code }) => failures.push(code);
  const log = openLog({ io, folder: FOLDER, config: SMALL, marks: dir.partition('topic', 0) });
  for (let count = 0; count < 12; count++) log.append([batchOf(log.endOffset, [VALUE])], 1);
  await world.settle(log.flush());
  node.setFull(true);
  await world.run(world.now() + 61_000);
  expect(failures).toEqual(['no-space']);
  expect(io.disk.list('/data').filter((name) => name.endsWith('.tmp'))).toEqual([]);
  node.setFull(false);
  dir.checkpoint();
  expect(io.disk.readFile('/data/recovery-point-offset-checkpoint').toString()).toContain('topic 0');
});

test('a read that the device refuses takes the log offline, and a restart brings it back', async () => {
  const { world, node, open } = start();
  const log = open();
  for (let count = 0; count < 6; count++) log.append([batchOf(log.endOffset, [VALUE])], 1);
  await world.settle(log.flush());
  let failure: Error | undefined;
  log.onFailure = (error) => {
    failure = error;
  };
  node.failNextRead();
  expect(() => log.read(0, { maxBytes: 1_000 })).toThrow(expect.objectContaining({ code: 'io' }));
  expect(failure).toMatchObject({ code: 'io' });
  expect(() => log.read(0, { maxBytes: 1_000 })).toThrow(expect.objectContaining({ code: 'offline' }));
  node.kill();
  expect(valuesIn(open())).toEqual(Array(6).fill(VALUE));
});

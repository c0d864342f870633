import type { Io } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { type Log, type LogDir, openLog, openLogDir } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const PATH = '/data';
const COUNT = 40;

function boot(options: { maxOpenFiles?: number } = {}) {
  const world = createSimWorld({ seed: 21 });
  const node = world.node('broker');
  let io: Io;
  let dir: LogDir;
  const start = () => {
    io = node.boot();
    dir = openLogDir({ io, path: PATH, ...options });
    return dir;
  };
  const open = (index = 0, more: { syncParent?: () => Promise<void> } = {}): Log =>
    openLog({
      io,
      folder: `${PATH}/orders-${index}`,
      config: { segmentBytes: 900, indexIntervalBytes: 150 },
      marks: dir.partition('orders', index),
      filePool: dir.filePool,
      ...more,
    });
  /** Forty batches, a clean stop, and the next start. */
  const fillAndRestart = async (): Promise<void> => {
    const log = open();
    fill(log);
    await world.settle(log.close(true));
    dir.close(true);
    node.kill();
    start();
  };
  start();
  const text = (name: string) => io.disk.readFile(`${PATH}/${name}`).toString();
  return { world, node, start, open, fillAndRestart, text, io: () => io, dir: () => dir };
}

function fill(log: Log, count = COUNT): void {
  const extras = { producerId: 7, producerEpoch: 0 };
  for (let left = count; left > 0; left--) {
    log.append([batchOf(log.endOffset, ['x'.repeat(60)], { ...extras, baseSequence: log.endOffset })], 3);
  }
}

test('a clean stop leaves the checkpoints and the mark of it, and the next start trusts what it finds', async () => {
  const { world, node, start, open, text, io, dir } = boot();
  const log = open();
  fill(log);
  log.advanceStart(11);
  log.committed(COUNT);
  await world.settle(log.close(true));
  dir().close(true, 5);
  expect(text('recovery-point-offset-checkpoint')).toBe(`0\n1\norders 0 ${COUNT}\n`);
  expect(text('log-start-offset-checkpoint')).toBe('0\n1\norders 0 11\n');
  expect(text('replication-offset-checkpoint')).toBe(`0\n1\norders 0 ${COUNT}\n`);
  expect(JSON.parse(text('.kafka_cleanshutdown'))).toEqual({ version: 0, brokerEpoch: 5 });
  node.powerLoss();
  const { wasClean, previousBrokerEpoch } = start();
  expect([wasClean, previousBrokerEpoch]).toEqual([true, 5]);
  expect(io().disk.exists(`${PATH}/.kafka_cleanshutdown`)).toBe(false);
  const again = open();
  expect([again.startOffset, again.endOffset, again.durableEnd, again.producers.size]).toEqual([11, COUNT, COUNT, 1]);
  expect(again.epochs.latestEpoch).toBe(3);
  expect(valuesIn(again)).toHaveLength(COUNT - 11);
  for (let offset = 11; offset < COUNT; offset++) expect(again.offsetForTimestamp(1000 + offset)?.offset).toBe(offset);
  fill(again, 3);
  expect(valuesIn(again)).toHaveLength(COUNT - 8);
  node.kill();
  const last = start();
  expect([last.wasClean, last.previousBrokerEpoch]).toEqual([false, -1]);
});

test.each(['', '{}', '{"version":1,"brokerEpoch":5}', '{"version":0,"brokerEpoch":"5"}', 'null', '\0\0'])(
  'a mark of a clean stop that holds %j is one, of no known epoch',
  (content) => {
    const { start, io, dir } = boot();
    dir().close(true, 5);
    io().disk.replaceFile(`${PATH}/.kafka_cleanshutdown`, Buffer.from(content));
    const { wasClean, previousBrokerEpoch } = start();
    expect([wasClean, previousBrokerEpoch]).toEqual([true, -1]);
  },
);

test('a producer goes on with its sequence after a start that looked at no batch', async () => {
  const { open, fillAndRestart } = boot();
  await fillAndRestart();
  const again = open();
  expect([...again.producers.active()]).toMatchObject([{ producerId: 7, lastSequence: COUNT - 1 }]);
});

test('a segment that must be walked between ones that need not does not take the producers back to its end', async () => {
  const { open, fillAndRestart, io } = boot();
  await fillAndRestart();
  const indexes = io()
    .disk.list(`${PATH}/orders-0`)
    .filter((name) => name.endsWith('.index'));
  expect(indexes.length).toBeGreaterThan(4);
  for (const name of [indexes[0]!, indexes[2]!]) io().disk.remove(`${PATH}/orders-0/${name}`);
  expect([...open().producers.active()]).toMatchObject([{ producerId: 7, lastSequence: COUNT - 1 }]);
});

test('a snapshot that is damaged is done without', async () => {
  const { open, fillAndRestart, io } = boot();
  await fillAndRestart();
  const names = io()
    .disk.list(`${PATH}/orders-0`)
    .filter((name) => name.endsWith('.snapshot'));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) io().disk.replaceFile(`${PATH}/orders-0/${name}`, Buffer.from('not a snapshot'));
  expect([...open().producers.active()]).toMatchObject([{ producerId: 7, lastSequence: COUNT - 1 }]);
  expect(
    io()
      .disk.list(`${PATH}/orders-0`)
      .filter((name) => name.endsWith('.snapshot')),
  ).toEqual([]);
});

test.each(['0\n0\n', ''])(
  'leader epochs that a power loss left old or torn (%j) are told by the batches',
  async (left) => {
    const { world, node, start, open, io, dir } = boot();
    const log = open();
    fill(log);
    await world.settle(log.close(true));
    dir().close(true);
    node.kill();
    expect(start().wasClean).toBe(true);
    io().disk.replaceFile(`${PATH}/orders-0/leader-epoch-checkpoint`, Buffer.from(left));
    expect(open().epochs.latestEpoch).toBe(3);
  },
);

test('a log that was cut and written anew is checked from the cut on', async () => {
  const { world, node, start, open } = boot();
  const log = open();
  fill(log);
  await world.settle(log.flush());
  await world.run(world.now() + 61_000);
  log.truncateTo(9);
  fill(log, 10);
  node.powerLoss();
  start();
  const again = open();
  expect(again.endOffset).toBeGreaterThanOrEqual(9);
  expect(valuesIn(again)).toHaveLength(again.endOffset);
});

test('a log start that moved is written down soon', async () => {
  const { world, node, start, open } = boot();
  const log = open();
  fill(log);
  await world.settle(log.flush());
  log.advanceStart(COUNT - 1);
  await world.run(world.now() + 1_100);
  node.powerLoss();
  start();
  expect(open().startOffset).toBe(COUNT - 1);
});

test('no more files stay open than the pool may hold, and nobody notices', async () => {
  const { world, open, dir } = boot({ maxOpenFiles: 3 });
  const logs = Array.from({ length: 8 }, (_, index) => open(index));
  for (let round = 0; round < 3; round++) {
    for (const log of logs) fill(log);
    await world.settle(Promise.all(logs.map((log) => log.flush())));
    expect(dir().filePool.openCount).toBeLessThanOrEqual(3);
  }
  for (const log of logs) expect(valuesIn(log)).toHaveLength(3 * COUNT);
  await world.settle(Promise.all(logs.map((log) => log.close(true))));
  expect(dir().filePool.openCount).toBe(0);
});

test('what was flushed to new partitions is there after power loss, the names of their folders included', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const world = createSimWorld({ seed });
    const node = world.node('broker');
    const start = () => {
      const io = node.boot();
      const dir = openLogDir({ io, path: `${PATH}/deep` });
      return (index: number): Log =>
        openLog({
          io,
          folder: `${PATH}/deep/orders-${index}`,
          topicId: '12345678-1234-1234-1234-123456789abc',
          marks: dir.partition('orders', index),
          syncParent: () => dir.syncNames(),
        });
    };
    node.boot().disk.makeFolder(`${PATH}/deep`);
    node.boot().disk.syncFolder(PATH);
    const open = start();
    const logs = [0, 1, 2, 3].map(open);
    for (const log of logs) fill(log, 2);
    await world.settle(Promise.all(logs.slice(1).map((log) => log.flush())));
    node.powerLoss();
    const again = [0, 1, 2, 3].map(start());
    expect(again.slice(1).map((log) => valuesIn(log).length)).toEqual([2, 2, 2]);
  }
});

test('a log that was stopped in order and written to again syncs the batches, and no folder once more', async () => {
  const { world, start, open, io, dir } = boot();
  const log = open();
  fill(log, 2);
  await world.settle(log.close(true));
  dir().close(true);
  start();
  const synced: string[] = [];
  const { disk } = io();
  const syncFolderAsync = disk.syncFolderAsync.bind(disk);
  disk.syncFolderAsync = (path) => {
    synced.push(path);
    return syncFolderAsync(path);
  };
  const again = open();
  fill(again, 1);
  await world.settle(again.flush());
  expect([again.durableEnd, synced]).toEqual([3, []]);
  const fresh = open(1);
  fill(fresh, 1);
  await world.settle(fresh.flush());
  expect(synced.sort()).toEqual([PATH, `${PATH}/orders-1`]);
});

test('a log that is made new syncs nothing until it is written to, also where the last stop was none', () => {
  const { open, io } = boot();
  const synced: string[] = [];
  const { disk } = io();
  const syncFolder = disk.syncFolder.bind(disk);
  disk.syncFolder = (path) => {
    synced.push(path);
    return syncFolder(path);
  };
  const parent = { syncParent: () => Promise.resolve() };
  open(0, parent);
  expect(synced).toEqual([]);
  open(0, parent);
  expect(synced).toEqual([`${PATH}/orders-0`]);
});

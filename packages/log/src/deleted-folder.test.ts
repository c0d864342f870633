/** A topic that is deleted by rename and made anew under its name, while its old log is still at work. */
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openLog, openLogDir } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const DATA = '/data';
const FOLDER = `${DATA}/orders-0`;
const CONFIG = { segmentBytes: 300, indexIntervalBytes: 50, fsync: true };

function start(seed: number) {
  const world = createSimWorld({ seed });
  const node = world.node('broker');
  const boot = () => {
    const io = node.boot();
    const dir = openLogDir({ io, path: DATA });
    const open = () => openLog({ io, folder: FOLDER, config: CONFIG, marks: dir.partition('orders', 0) });
    return { io, dir, open };
  };
  return { world, node, boot };
}

test('a log that is closed while it seals segments writes nothing into the folder of the next of its name', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { world, boot } = start(seed);
    const { io, dir, open } = boot();
    const old = open();
    for (let offset = 0; offset < 12; offset++) old.append([batchOf(offset, ['x'.repeat(100)])], 1);
    await world.run(world.now() + (seed % 5));
    io.disk.rename(FOLDER, `${DATA}/gone`);
    dir.forget('orders', 0);
    const closing = old.close(false);
    const next = open();
    await world.settle(closing);
    await world.run(world.now() + 100);
    expect(io.disk.list(FOLDER)).toEqual(['00000000000000000000.log']);
    expect(next.endOffset).toBe(0);
  }
});

test('marks of a deleted topic are not taken for those of the next of its name after a crash', async () => {
  const { world, node, boot } = start(1);
  const { io, dir, open } = boot();
  const old = open();
  for (let offset = 0; offset < 12; offset++) old.append([batchOf(offset, ['old'])], 1);
  await world.settle(old.flush());
  old.advanceStart(9);
  await world.run(world.now() + 61_000);
  io.disk.rename(FOLDER, `${DATA}/gone`);
  io.disk.syncFolder(DATA);
  dir.forget('orders', 0);
  await world.settle(old.close(false));
  const next = open();
  for (const value of ['a', 'b', 'c']) next.append([batchOf(next.endOffset, [value])], 1);
  await world.settle(next.flush());
  node.powerLoss();
  const again = boot().open();
  expect(valuesIn(again)).toEqual(['a', 'b', 'c']);
  expect(again.startOffset).toBe(0);
});

test('nor when the crash came before the marks were forgotten', async () => {
  const { world, node, boot } = start(2);
  const { io, open } = boot();
  const old = open();
  for (let offset = 0; offset < 12; offset++) old.append([batchOf(offset, ['old'])], 1);
  await world.settle(old.flush());
  old.advanceStart(9);
  await world.run(world.now() + 61_000);
  io.disk.rename(FOLDER, `${DATA}/gone`);
  io.disk.syncFolder(DATA);
  node.powerLoss();
  const next = boot().open();
  expect([next.startOffset, next.durableEnd]).toEqual([0, 0]);
  for (const value of ['a', 'b', 'c']) next.append([batchOf(next.endOffset, [value])], 1);
  await world.settle(next.flush());
  node.powerLoss();
  const again = boot().open();
  expect(valuesIn(again)).toEqual(['a', 'b', 'c']);
  expect(again.startOffset).toBe(0);
});

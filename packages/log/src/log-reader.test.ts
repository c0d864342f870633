/** What a reader gets of a file that has rotted: the sound batches before the damage, then its place. */
import type { Disk } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openLog, openLogDir } from './log.ts';
import { batchOf } from './test-batches.ts';

const PATH = '/data';
const FILE = `${PATH}/orders-0/00000000000000000000.log`;
const COUNT = 5;
/** Not two of them in one read of the disk. */
const VALUE = 'v'.repeat(40_000);
const BATCH_BYTES = batchOf(0, [VALUE]).length;

/** A log of `COUNT` batches of one size that was stopped in order and started again; `rot` happens in between. */
async function restarted({ rot }: { rot?: (disk: Disk) => void }) {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const open = () => {
    const io = node.boot();
    const dir = openLogDir({ io, path: PATH });
    return { io, dir, log: openLog({ io, folder: `${PATH}/orders-0`, marks: dir.partition('orders', 0) }) };
  };
  const { log, dir } = open();
  for (let offset = 0; offset < COUNT; offset++) log.append([batchOf(offset, [VALUE])], 1);
  await world.settle(log.close(true));
  dir.close(true);
  node.kill();
  rot?.(node.boot().disk);
  return open();
}

/** Writes one byte of the fourth batch. */
function change(disk: Disk, byte: number, value: number): void {
  const file = disk.open(FILE, 'r+');
  file.writev([Buffer.from([value])], 3 * BATCH_BYTES + byte);
  file.close();
}

test.each([
  ['records', BATCH_BYTES - 1],
  ['CRC', 17],
])('a batch with changed %s is named with its place, and those before it are served', async (_what, byte) => {
  const { log } = await restarted({ rot: (disk) => change(disk, byte, 0xff) });
  expect(log.read(0, { maxBytes: 10 * BATCH_BYTES })).toMatchObject({ bytes: 3 * BATCH_BYTES, nextOffset: 3 });
  expect(() => log.read(3, { maxBytes: 10 * BATCH_BYTES })).toThrow(`${FILE} at ${3 * BATCH_BYTES}`);
});

test('a base offset, which no CRC covers, that goes back is found by its order, wherever the read began', async () => {
  for (const [from, maxBytes] of [
    [0, 10 * BATCH_BYTES],
    [0, 1],
    [2, 10 * BATCH_BYTES],
    [3, 1],
  ] as const) {
    const { log, io } = await restarted({});
    if (from > 0) expect(log.read(from - 1, { maxBytes: 1, minOneBatch: true })).toMatchObject({ nextOffset: from });
    change(io.disk, 7, 1);
    const readOn = () => {
      for (let offset: number = from; offset < COUNT; ) {
        offset = log.read(offset, { maxBytes, minOneBatch: true }).nextOffset;
      }
    };
    expect(readOn, `from ${from}`).toThrow(`${FILE} at ${3 * BATCH_BYTES}`);
  }
});

/** A failed fsync, and a process that starts again on the same machine: the kernel shows more than the disk has. */
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openLog } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);

test.each([
  ['of a log that fsyncs by itself', { config: { fsync: true } }],
  ['of a log whose owner flushes', { showsDurableOnly: true }],
])('what is appended and fsynced after a failed fsync %s survives a loss of power', async (_, options) => {
  for (const seed of SEEDS) {
    const world = createSimWorld({ seed });
    const node = world.node('broker');
    const open = () => openLog({ io: node.boot(), folder: '/data/orders-0', ...options });
    const first = open();
    first.append([batchOf(0, ['kept'])], 0);
    await world.settle(first.flush());
    node.failNextSync();
    first.append([batchOf(1, ['x'.repeat(2_000)])], 0);
    await expect(world.settle(first.flush())).rejects.toMatchObject({ code: 'io' });
    await world.settle(first.close(true));
    const second = open();
    const end = second.endOffset;
    second.append([batchOf(end, ['later'])], 1);
    await world.settle(second.flush());
    node.powerLoss();
    expect(valuesIn(open())).toEqual(['kept', 'later']);
  }
});

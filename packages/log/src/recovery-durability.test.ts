/**
 * What recovery, a cut and a clean stop must have made durable before others rely on it: each test lets the power go, or
 * the process die, at every moment of the operation, and the device has then written what is newest first, or nothing.
 * Invariant: whichever unsynced operations are lost, a log is a gapless prefix of what was appended, as are its books.
 */
import { createSimWorld, type DiskImage, type LossRule } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { appendMarker } from './cleaner/test-log.ts';
import { openLog, openLogDir } from './log.ts';
import { batchOf, valuesIn } from './test-batches.ts';

const DATA = '/data';
const FOLDER = `${DATA}/orders-0`;
const BATCH_BYTES = batchOf(0, ['a']).length;
const fileOf = (baseOffset: number, suffix: string) => `${FOLDER}/${String(baseOffset).padStart(20, '0')}${suffix}`;

/** Of what is not synced, only what was done from `order` on reaches the device. */
const newestFrom = (order: number): LossRule => ({
  keepsName: (each) => each >= order,
  fateOf: (each) => (each >= order ? 'kept' : 'lost'),
  tear: () => {},
});

/** A machine whose log has so many batches in a segment, one record in each. */
function bench(batchesPerSegment: number) {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('broker');
  const config = { segmentBytes: batchesPerSegment * BATCH_BYTES, indexIntervalBytes: 50 };
  const boot = () => {
    const io = node.boot();
    const dir = openLogDir({ io, path: DATA });
    const log = openLog({ io, folder: FOLDER, config, marks: dir.partition('orders', 0) });
    const append = (values: string, extras: Parameters<typeof batchOf>[2] & { epoch?: number } = {}) => {
      for (const value of values) log.append([batchOf(log.endOffset, [value], extras)], extras.epoch ?? 1);
    };
    const stop = async () => {
      await world.settle(log.close(true));
      dir.close(true);
    };
    /** All that is sealed is durable, and the recovery point says so. */
    const passRecoveryPoint = async () => {
      await world.settle(log.flush());
      dir.checkpoint();
    };
    return { io, log, append, stop, passRecoveryPoint };
  };
  const loseUnsynced = () => node.loadDisk(node.diskImage(), newestFrom(Number.POSITIVE_INFINITY));
  return { world, node, boot, loseUnsynced };
}

type Bench = ReturnType<typeof bench>;

/** The disk before each change that `run` makes, and after the last. */
async function imagesOf({ node }: Bench, run: () => unknown): Promise<DiskImage[]> {
  const images: DiskImage[] = [];
  node.onDiskChange = () => images.push(node.diskImage());
  await run();
  node.onDiskChange = () => {};
  return [...images, node.diskImage()];
}

/** What the log holds after each loss of power that `image` allows for. */
function survivorsOf({ node, boot }: Bench, image: DiskImage): string[] {
  const orders = [...image.unsynced.map(({ order }) => order), Number.POSITIVE_INFINITY];
  return orders.map((order) => {
    node.loadDisk(image, newestFrom(order));
    return valuesIn(boot().log).join('');
  });
}

const prefixesOf = (values: string, from: number): string[] =>
  Array.from({ length: values.length - from + 1 }, (_, more) => values.slice(0, from + more));

test.each([
  ['by recovery', 'bc', false],
  ['by a clean stop, before its segment is closed without another batch,', 'b', true],
])('an index made anew %s over an older one is there once the recovery point passed', async (_by, values, isClean) => {
  const { node, boot, loseUnsynced } = bench(2);
  const first = boot();
  first.append('a');
  await first.stop();
  for (const suffix of ['.index', '.timeindex']) node.boot().disk.open(fileOf(0, suffix), 'r+').syncNow();
  const second = boot();
  second.append(values);
  if (isClean) await second.stop();
  else node.kill();
  const third = boot();
  third.append('cdef');
  await third.passRecoveryPoint();
  loseUnsynced();
  expect(boot().log.offsetForTimestamp(1001)).toMatchObject({ offset: 1, timestamp: 1001 });
});

test('no segment is missing before a later one when the power goes while recovery closes them', async () => {
  const machine = bench(2);
  const first = machine.boot();
  first.append('ab');
  await machine.world.settle(first.log.flush());
  first.append('cdefg');
  machine.node.kill();
  for (const image of await imagesOf(machine, machine.boot)) {
    for (const values of survivorsOf(machine, image)) expect(prefixesOf('abcdef', 2)).toContain(values);
  }
});

test('aborted transactions are known after a loss of power, however far a process came that died as it wrote them', async () => {
  const machine = bench(3);
  const { node, boot, world, loseUnsynced } = machine;
  const first = boot();
  const transaction = { producerId: 5, producerEpoch: 0, baseSequence: 0, transactional: true };
  first.append('a', transaction);
  appendMarker(first.log, 5, false);
  first.append('bc');
  for (const image of await imagesOf(machine, () => world.settle(first.log.flush()))) {
    node.loadDisk(image);
    const second = boot();
    second.append('defg');
    await second.passRecoveryPoint();
    loseUnsynced();
    expect(boot().log.abortedTransactions(0, 2)).toEqual([{ producerId: 5, firstOffset: 0 }]);
  }
});

test('epochs that a clean stop wrote are there when the next process has moved the recovery point behind them', async () => {
  const { boot, loseUnsynced } = bench(3);
  const first = boot();
  first.append('abcd');
  await first.passRecoveryPoint();
  first.append('e', { epoch: 2 });
  await first.stop();
  const second = boot();
  second.append('fgh', { epoch: 2 });
  await second.passRecoveryPoint();
  loseUnsynced();
  expect(boot().log.epochs.entries).toEqual([
    { epoch: 1, startOffset: 0 },
    { epoch: 2, startOffset: 4 },
  ]);
});

test.each([
  ['inside a segment', 1],
  ['so that the next batch ends where a removed segment began', 2],
])('what a process cut off before it died does not come back behind a new batch: %s', async (_where, offset) => {
  const machine = bench(3);
  const { node, boot, world } = machine;
  const first = boot();
  first.append('abcdefg');
  await world.settle(first.log.flush());
  for (const image of await imagesOf(machine, () => first.log.truncateTo(offset))) {
    node.loadDisk(image);
    const second = boot();
    const shown = valuesIn(second.log).join('');
    second.append('N');
    await world.run(world.now());
    const survivors = survivorsOf(machine, node.diskImage());
    for (const values of survivors) expect(prefixesOf(`${shown}N`, offset)).toContain(values);
  }
});

test.each([
  ['inside its first segment', 1],
  ['at its start', 0],
])('no segment is missing before a later one when the power goes while a log is cut %s', async (_where, offset) => {
  const machine = bench(2);
  const { log, append } = machine.boot();
  append('abcdefg');
  await machine.world.settle(log.flush());
  for (const image of await imagesOf(machine, () => log.truncateTo(offset))) {
    for (const values of survivorsOf(machine, image)) expect(prefixesOf('abcdefg', offset)).toContain(values);
  }
});

test.each<[string, string, (node: Bench['node']) => void]>([
  ['at a rotten batch', 'a', (node) => node.flipBit(fileOf(0, '.log'), 2 * BATCH_BYTES - 1)],
  ['where a segment is gone but for its indexes', 'ab', (node) => node.boot().disk.remove(fileOf(2, '.log'))],
])('nor while recovery cuts it behind a closed segment %s, even if its timestamps do not tell', async (...row) => {
  const [, kept, spoil] = row;
  const machine = bench(2);
  const { log, append } = machine.boot();
  append('abcdefg', { timestamp: 5000 });
  await machine.world.settle(log.flush());
  machine.node.kill();
  spoil(machine.node);
  machine.node.boot().disk.syncFolder(FOLDER);
  for (const image of await imagesOf(machine, machine.boot)) {
    for (const values of survivorsOf(machine, image)) expect(values).toBe(kept);
  }
});

test('records are found by their time when the power goes after a clean stop whose time index had not reached the disk', async () => {
  const { boot, node } = bench(4);
  const first = boot();
  first.append('a', { timestamp: 2_000 });
  first.append('b', { timestamp: 1_000 });
  await first.stop();
  node.kill();
  node.boot().disk.open(fileOf(0, '.timeindex'), 'w+').close();
  node.kill();
  expect(boot().log.offsetForTimestamp(1_500)?.offset).toBe(0);
});

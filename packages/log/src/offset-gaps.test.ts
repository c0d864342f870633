/** Gaps between segments: what compaction leaves is taken, also without a recovery point; what is missing is noticed. */
import type { Io } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openLog } from './log.ts';
import { batchesIn, batchOf } from './test-batches.ts';

const FOLDER = '/data/topic-0';
const CONFIG = { segmentBytes: 300, indexIntervalBytes: 50 };

const open = (io: Io) => openLog({ io, folder: FOLDER, config: CONFIG });
const offsets = (io: Io): number[] => batchesIn(open(io)).map(({ offset }) => offset);

/** Segments of three batches with offsets 0, 10, 20, …, each closed and durable; returns their base offsets. */
async function written() {
  const world = createSimWorld({ seed: 5 });
  const node = world.node('broker');
  const log = open(node.boot());
  for (let offset = 0; offset < 120; offset += 10) log.append([batchOf(offset, ['x'.repeat(20)])], 1);
  await world.settle(log.flush());
  await world.settle(log.close(true));
  node.kill();
  const io = node.boot();
  const bases = io.disk
    .list(FOLDER)
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number(name.slice(0, 20)));
  expect(bases.length).toBeGreaterThan(3);
  return { io, bases };
}

const fileOf = (base: number, kind: string): string => `${FOLDER}/${String(base).padStart(20, '0')}.${kind}`;

/** As the cleaner leaves it: a segment whose last batches are gone, with indexes that say so. */
async function compacted() {
  const { io, bases } = await written();
  const path = fileOf(bases[1]!, 'log');
  const bytes = io.disk.readFile(path);
  const first = bytes.subarray(0, 12 + bytes.readInt32BE(8));
  io.disk.replaceFile(path, first);
  const lastTimestamp = first.readBigInt64BE(35);
  const entry = Buffer.alloc(12);
  entry.writeBigInt64BE(lastTimestamp, 0);
  io.disk.replaceFile(fileOf(bases[1]!, 'timeindex'), entry);
  io.disk.replaceFile(fileOf(bases[1]!, 'index'), Buffer.alloc(0));
  io.disk.remove(`${FOLDER}/meridian-checkpoint`);
  return { io, bases };
}

test('a compacted folder of another broker, without a recovery point, is taken whole', async () => {
  const { io, bases } = await compacted();
  const found = offsets(io);
  expect(found.at(-1)).toBe(110);
  expect(found.filter((offset) => offset >= bases[1]! && offset < bases[2]!)).toHaveLength(1);
  expect(offsets(io)).toEqual(found);
});

test('behind a segment that was never closed a gap is a lost tail, and the log ends there', async () => {
  const { io, bases } = await compacted();
  for (const kind of ['index', 'timeindex']) io.disk.remove(fileOf(bases[1]!, kind));
  expect(open(io).endOffset).toBeLessThan(bases[2]!);
});

test('indexes that are older than the batches do not say that a segment was closed', async () => {
  const { io, bases } = await compacted();
  io.disk.replaceFile(fileOf(bases[1]!, 'timeindex'), Buffer.alloc(0));
  expect(open(io).endOffset).toBeLessThan(bases[2]!);
});

test('a segment in the middle that is gone but for its indexes is named, and nothing is removed', async () => {
  const { io, bases } = await written();
  io.disk.remove(fileOf(bases[1]!, 'log'));
  const names = io.disk.list(FOLDER);
  for (let round = 0; round < 2; round++) {
    expect(() => open(io)).toThrow(expect.objectContaining({ code: 'missing-segment' }));
    expect(io.disk.list(FOLDER)).toEqual(names);
  }
});

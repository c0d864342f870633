/** What recovery makes of the files that an interrupted exchange leaves, case by case. */
import type { Disk } from '@meridian/io';
import { createSimWorld } from '@meridian/io/sim';
import { beforeEach, expect, test } from 'vitest';
import { offsetFileName } from '../offset-file-name.ts';
import { settleSwaps } from './interrupted-swap.ts';
import { keyedBatch } from './test-log.ts';

const FOLDER = '/data/topic-0';
let disk: Disk;

beforeEach(() => {
  disk = createSimWorld({ seed: 1 }).node('broker').boot().disk;
  disk.makeFolder(FOLDER);
});

/** A file of one batch of `count` records from `base` on. */
function put(base: number, kind: 'log' | 'index' | 'txnindex', suffix = '', count = 1): void {
  const file = disk.open(`${FOLDER}/${offsetFileName(base, kind)}${suffix}`, 'w+');
  const entries = Array.from({ length: count }, () => ['k', 'v'] as const);
  if (kind === 'log') file.writev([keyedBatch(base, entries)], 0);
  file.close();
}

const left = (): string[] => {
  settleSwaps(disk, FOLDER);
  const names = disk.list(FOLDER).map((name) => name.replace(/^0+(?=\d)/, ''));
  settleSwaps(disk, FOLDER);
  expect(disk.list(FOLDER)).toHaveLength(names.length);
  return names;
};

test('a new segment takes the place of those in its range, and of no others', () => {
  for (const base of [0, 5, 8, 10]) put(base, 'log');
  put(5, 'txnindex');
  put(0, 'index', '.swap');
  put(0, 'log', '.swap', 8);
  expect(left()).toEqual(['0.index', '0.log', '8.log', '10.log']);
});

test('what was not renamed to the end is undone', () => {
  put(0, 'log');
  put(0, 'log', '.swap');
  put(0, 'index', '.cleaned');
  expect(left()).toEqual(['0.log']);
});

test('an index without its new segment is not taken for the old one’s', () => {
  put(0, 'log');
  put(0, 'index', '.swap');
  expect(left()).toEqual(['0.log']);
});

test('a finished exchange below a half-made one counts, and one above it does not', () => {
  for (const base of [0, 20, 40]) put(base, 'log');
  put(0, 'log', '.swap');
  put(20, 'log', '.cleaned');
  put(40, 'log', '.swap');
  put(60, 'log', '.deleted');
  expect(left()).toEqual(['0.log', '20.log', '40.log']);
});

test('a new segment that has rotted is refused before anything is removed for it', () => {
  put(0, 'log');
  put(0, 'log', '.swap');
  const file = disk.open(`${FOLDER}/${offsetFileName(0, 'log')}.swap`, 'r+');
  file.writev([Buffer.from([1])], 70);
  expect(() => settleSwaps(disk, FOLDER)).toThrow(/damaged/);
  expect(disk.list(FOLDER)).toHaveLength(2);
});

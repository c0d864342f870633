/** Images of a simulated disk: one moment, many ways to lose power, and what rots while it is off. */
import { expect, test } from 'vitest';
import { SIM_SECTOR_BYTES } from '../../limits.ts';
import { createSeededRandom, createSimWorld, firstBytes, firstSectors, inOrder, reordered } from '../sim-world.ts';

function start() {
  const world = createSimWorld({ seed: 1 });
  const node = world.node('a');
  const io = node.boot();
  io.disk.makeFolder('/data');
  return { node, io };
}

test('an image gives the same disk as often as it is loaded, whatever was done in between', () => {
  const { node, io } = start();
  io.disk.open('/data/x', 'w+').writev([Buffer.from('one')], 0);
  const image = node.diskImage();
  io.disk.remove('/data/x');
  for (let round = 0; round < 2; round++) {
    node.loadDisk(image);
    const { disk } = node.boot();
    expect(disk.readFile('/data/x').toString()).toBe('one');
    expect(disk.totalBytes('/') - disk.freeBytes('/')).toBe(3);
    disk.open('/data/x', 'w+').writev([Buffer.from('other')], 0);
  }
});

test('a power loss in order keeps what was done before an operation, and a first part of that one', () => {
  const { node, io } = start();
  const file = io.disk.open('/data/x', 'w+');
  for (let index = 1; index <= 3; index++) file.writev([Buffer.alloc(1000, index)], (index - 1) * 1000);
  io.disk.open('/data/y', 'w+');
  const image = node.diskImage();
  const { order } = image.unsynced.filter(({ bytes }) => bytes > 0)[1]!;
  const sizes = [firstBytes(0), firstBytes(7), firstSectors(1), firstSectors(9)].map((tear) => {
    node.loadDisk(image, inOrder(order, tear));
    const { disk } = node.boot();
    expect(disk.exists('/data/y')).toBe(false);
    return disk.readFile('/data/x').length;
  });
  expect(sizes).toEqual([1000, 1007, 2 * SIM_SECTOR_BYTES, 2000]);
});

test('a reordering power loss keeps any sectors of any writes', () => {
  const { node, io } = start();
  const file = io.disk.open('/data/x', 'w+');
  file.syncNow();
  io.disk.syncFolder('/data');
  for (let index = 0; index < 4; index++) file.writev([Buffer.alloc(512, index + 1)], index * 512);
  const image = node.diskImage();
  const seen = new Set<string>();
  for (let seed = 0; seed < 400; seed++) {
    node.loadDisk(image, reordered(createSeededRandom(seed, 'loss')));
    const bytes = node.boot().disk.readFile('/data/x');
    seen.add([0, 1, 2, 3].map((index) => bytes[index * 512] ?? '-').join(''));
  }
  for (const pattern of ['1234', '0004', '1030', '02--']) expect(seen).toContain(pattern);
});

test('a sync that lies keeps nothing, and an honest one after it keeps all', () => {
  const { node, io } = start();
  node.setSyncsLie(true);
  const file = io.disk.open('/data/x', 'w+');
  file.writev([Buffer.from('abc')], 0);
  file.syncNow();
  io.disk.syncFolder('/data');
  expect(node.diskImage().unsynced).toHaveLength(2);
  node.setSyncsLie(false);
  file.syncNow();
  io.disk.syncFolder('/data');
  expect(node.diskImage().unsynced).toEqual([]);
});

test('a spoilt sector reads as zeros, or as it was before its last write', () => {
  const { node, io } = start();
  const file = io.disk.open('/data/x', 'w+');
  file.writev([Buffer.from('older')], 0);
  file.syncNow();
  file.writev([Buffer.from('newer!')], 0);
  file.syncNow();
  node.spoilSector('/data/x', 0, 'stale');
  expect(io.disk.readFile('/data/x').toString()).toBe('older\0');
  node.spoilSector('/data/x', 0, 'zero');
  expect(io.disk.readFile('/data/x')).toEqual(Buffer.alloc(6));
});

test('whoever takes images is called before each change', () => {
  const { node, io } = start();
  const sizes: number[] = [];
  const file = io.disk.open('/data/x', 'w+');
  node.onDiskChange = () => sizes.push(file.size());
  file.writev([Buffer.from('abc')], 0);
  file.syncNow();
  file.truncate(1);
  io.disk.rename('/data/x', '/data/y');
  expect(sizes).toEqual([0, 3, 3, 1]);
});

/** A simulated disk that is full, that fails, and that forgets a bit. */
import { expect, test } from 'vitest';
import { createSimWorld } from '../sim-world.ts';

function start(seed = 1) {
  const world = createSimWorld({ seed });
  const node = world.node('a');
  return { world, node, io: node.boot() };
}

test('a full disk takes some first part of a write, and overwriting goes on', () => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const { node, io } = start(seed);
    const file = io.disk.open('/x', 'w+');
    file.writev([Buffer.alloc(10, 1)], 0);
    node.setFreeBytes(2);
    expect(() => file.writev([Buffer.alloc(10, 2)], 10)).toThrow('The disk is full');
    sizes.add(file.size());
    file.writev([Buffer.alloc(10, 3)], 0);
    expect(io.disk.readFile('/x').subarray(0, 10)).toEqual(Buffer.alloc(10, 3));
  }
  expect([...sizes].sort()).toEqual([10, 11, 12]);
});

test('a full disk takes no new names, and room that is made is room again', () => {
  const { node, io } = start();
  const file = io.disk.open('/x', 'w+');
  file.writev([Buffer.alloc(100)], 0);
  node.setFull(true);
  expect(io.disk.freeBytes('/')).toBe(0);
  expect(() => io.disk.open('/y', 'w+')).toThrow('The disk is full');
  expect(() => io.disk.makeFolder('/z')).toThrow('The disk is full');
  file.truncate(40);
  expect(io.disk.freeBytes('/')).toBe(60);
  io.disk.open('/y', 'w+').writev([Buffer.alloc(60)], 0);
  io.disk.remove('/y');
  expect(io.disk.freeBytes('/')).toBe(60);
  node.setFull(false);
  file.writev([Buffer.alloc(1000)], 0);
});

test('a file without a name still works and takes no counted room', () => {
  const { node, io } = start();
  const file = io.disk.open('/x', 'w+');
  file.writev([Buffer.alloc(100)], 0);
  io.disk.remove('/x');
  node.setFreeBytes(50);
  file.writev([Buffer.alloc(40)], 100);
  expect(file.size()).toBe(140);
  expect(io.disk.freeBytes('/')).toBe(50);
});

test('reads and writes fail as often as they were told to', () => {
  const { node, io } = start();
  const file = io.disk.open('/x', 'w+');
  node.failNextWrite();
  expect(() => file.writev([Buffer.from('a')], 0)).toThrow('The device failed');
  file.writev([Buffer.from('a')], 0);
  node.failNextRead(2);
  expect(() => file.read(Buffer.alloc(1), 0, 1, 0)).toThrow('The device failed');
  expect(() => io.disk.readFile('/x')).toThrow('The device failed');
  expect(io.disk.readFile('/x').toString()).toBe('a');
});

test('a file that was opened for reading is not written', () => {
  const { io } = start();
  io.disk.open('/x', 'w+').close();
  expect(() => io.disk.open('/x', 'r').writev([Buffer.from('a')], 0)).toThrow('Permission denied');
});

test('a flipped bit is there before and after the power was lost', () => {
  const { node, io } = start();
  io.disk.replaceFile('/x', Buffer.from([8, 8, 8]));
  node.flipBit('/x', 1);
  expect([...io.disk.readFile('/x')]).toEqual([8, 9, 8]);
  node.powerLoss();
  expect([...node.boot().disk.readFile('/x')]).toEqual([8, 9, 8]);
});

test('a file that is written for ever without a sync is written back in part, as by a kernel', () => {
  const { node, io } = start();
  const file = io.disk.open('/x', 'w+');
  for (let index = 0; index < 20_000; index++) file.writev([Buffer.from([index % 251])], index);
  node.powerLoss();
  const bytes = node.boot().disk.readFile('/x');
  expect(bytes.length).toBeGreaterThan(8000);
  for (let index = 0; index < 8000; index++) expect(bytes[index]).toBe(index % 251);
});

test('a device that is mounted on a folder fails, or is full, for itself', () => {
  const { node, io } = start();
  io.disk.makeFolder('/a');
  io.disk.makeFolder('/b');
  const [first, second] = [io.disk.open('/a/x', 'w+'), io.disk.open('/b/x', 'w+')];
  node.setFolderFailed('/a', true);
  for (const use of [
    () => first.writev([Buffer.from('a')], 0),
    () => first.syncNow(),
    () => io.disk.list('/a'),
    () => io.disk.makeFolder('/a/c'),
    () => io.disk.stat('/a/x'),
  ]) {
    expect(use).toThrow('The device failed');
  }
  expect(io.disk.exists('/a/x')).toBe(false);
  second.writev([Buffer.from('b')], 0);
  node.setFolderFailed('/a', false);
  node.setFolderFull('/b', true);
  expect(() => second.writev([Buffer.from('bbb')], 1)).toThrow('The disk is full');
  expect(io.disk.freeBytes('/b')).toBe(0);
  first.writev([Buffer.from('a')], 0);
  expect([io.disk.readFile('/a/x').toString(), io.disk.readFile('/b/x')[0]]).toEqual(['a', 98]);
});

/** What the simulated device keeps when the power goes: over many seeds, so that every fate is met. */
import { describe, expect, test } from 'vitest';
import type { Io } from '../../io.ts';
import { SIM_SECTOR_BYTES } from '../../limits.ts';
import { below, createSimWorld, type SimNode, type SimWorld } from '../sim-world.ts';

const SEEDS = Array.from({ length: 120 }, (_, seed) => seed);

interface Bench {
  readonly world: SimWorld;
  readonly node: SimNode;
  readonly io: Io;
}

function bench(seed: number): Bench {
  const world = createSimWorld({ seed });
  const node = world.node('a');
  const io = node.boot();
  io.disk.makeFolder('/data');
  return { world, node, io };
}

/** A durable file of so many bytes. */
function durableFile(io: Io, path: string, content: Buffer) {
  const file = io.disk.open(path, 'w+');
  file.writev([content], 0);
  file.syncNow();
  io.disk.syncFolder('/data');
  return file;
}

function afterPowerLoss(node: SimNode): Io {
  node.powerLoss();
  return node.boot();
}

/** How often each outcome was met, over all seeds. */
function outcomes(run: (seed: number) => string): string[] {
  return [...new Set(SEEDS.map(run))].sort();
}

test('what was synced is there, byte for byte', () => {
  for (const seed of SEEDS) {
    const { io, node } = bench(seed);
    durableFile(io, '/data/x', Buffer.alloc(5000, 7));
    expect(afterPowerLoss(node).disk.readFile('/data/x')).toEqual(Buffer.alloc(5000, 7));
  }
});

test('a killed process loses nothing, synced or not', () => {
  const { io, node } = bench(1);
  io.disk.open('/data/x', 'w+').writev([Buffer.from('abc')], 0);
  node.kill();
  expect(node.boot().disk.readFile('/data/x').toString()).toBe('abc');
});

test('each unsynced write is kept, lost or torn for itself', () => {
  const seen = outcomes((seed) => {
    const { io, node } = bench(seed);
    const file = durableFile(io, '/data/x', Buffer.alloc(2 * SIM_SECTOR_BYTES));
    file.writev([Buffer.alloc(SIM_SECTOR_BYTES, 1)], 0);
    file.writev([Buffer.alloc(SIM_SECTOR_BYTES, 2)], SIM_SECTOR_BYTES);
    const bytes = afterPowerLoss(node).disk.readFile('/data/x');
    return `${bytes[0]}${bytes[SIM_SECTOR_BYTES]}`;
  });
  expect(seen).toEqual(['00', '02', '10', '12']);
});

test('a torn write tears at whole sectors of the file', () => {
  let torn = 0;
  for (const seed of SEEDS) {
    const { io, node } = bench(seed);
    const file = durableFile(io, '/data/x', Buffer.alloc(300, 9));
    file.writev([Buffer.alloc(4 * SIM_SECTOR_BYTES, 1)], 300);
    const bytes = afterPowerLoss(node).disk.readFile('/data/x');
    expect(bytes.subarray(0, 300)).toEqual(Buffer.alloc(300, 9));
    const parts = [];
    for (let at = 300; at < bytes.length; at = (Math.floor(at / SIM_SECTOR_BYTES) + 1) * SIM_SECTOR_BYTES) {
      const sector = bytes.subarray(at, (Math.floor(at / SIM_SECTOR_BYTES) + 1) * SIM_SECTOR_BYTES);
      expect(new Set(sector).size).toBe(1);
      parts.push(sector[0]);
    }
    if (new Set(parts).size > 1) torn++;
  }
  expect(torn).toBeGreaterThan(5);
});

test('a sync covers what was written before it, and nothing written while it was on its way', async () => {
  const seen = new Set<number>();
  for (const seed of SEEDS) {
    const { io, node, world } = bench(seed);
    const file = durableFile(io, '/data/x', Buffer.alloc(0));
    file.writev([Buffer.alloc(100, 1)], 0);
    const synced = file.sync();
    file.writev([Buffer.alloc(100, 2)], 100);
    await world.settle(synced);
    const bytes = afterPowerLoss(node).disk.readFile('/data/x');
    expect(bytes.subarray(0, 100)).toEqual(Buffer.alloc(100, 1));
    seen.add(bytes.length);
  }
  expect([...seen].sort((a, b) => a - b)).toEqual([100, 200]);
});

test('a truncation that was not synced may be undone', () => {
  const seen = outcomes((seed) => {
    const { io, node } = bench(seed);
    durableFile(io, '/data/x', Buffer.alloc(1000, 1)).truncate(10);
    return `${afterPowerLoss(node).disk.stat('/data/x').size}`;
  });
  expect(seen).toEqual(['10', '1000']);
});

test('after a failed sync the bytes look written, and no later sync makes them so', () => {
  const seen = outcomes((seed) => {
    const { io, node } = bench(seed);
    const file = durableFile(io, '/data/x', Buffer.alloc(100));
    file.writev([Buffer.alloc(100, 1)], 0);
    node.failNextSync();
    expect(() => file.syncNow()).toThrow('The device failed');
    file.syncNow();
    expect(io.disk.readFile('/data/x')[0]).toBe(1);
    return `${afterPowerLoss(node).disk.readFile('/data/x')[0]}`;
  });
  expect(seen).toEqual(['0', '1']);
});

test('an asynchronous sync can fail too, and only as often as it was told to', async () => {
  const { io, node, world } = bench(1);
  const file = durableFile(io, '/data/x', Buffer.alloc(100));
  node.failNextSync();
  await expect(world.settle(file.sync())).rejects.toMatchObject({ code: 'io' });
  await world.settle(file.sync());
});

describe('names', () => {
  test('a new file may be lost, whole, until its folder was synced', () => {
    const seen = outcomes((seed) => {
      const { io, node } = bench(seed);
      const file = io.disk.open('/data/x', 'w+');
      file.writev([Buffer.from('abc')], 0);
      file.syncNow();
      const { disk } = afterPowerLoss(node);
      return disk.exists('/data/x') ? disk.readFile('/data/x').toString() : 'gone';
    });
    expect(seen).toEqual(['abc', 'gone']);
  });

  test('a sync of a folder on its way covers what was done before it, and nothing that came after', async () => {
    let later = 0;
    for (const seed of SEEDS) {
      const { world, node, io } = bench(seed);
      io.disk.makeFolder('/data/sub');
      io.disk.syncFolder('/data');
      io.disk.open('/data/sub/before', 'w+').close();
      const synced = io.disk.syncFolderAsync('/data/sub');
      io.disk.open('/data/sub/after', 'w+').close();
      await world.settle(synced);
      node.powerLoss();
      const { disk } = node.boot();
      expect(disk.exists('/data/sub/before')).toBe(true);
      if (disk.exists('/data/sub/after')) later++;
    }
    expect(later).toBeGreaterThan(0);
    expect(later).toBeLessThan(SEEDS.length);
  });

  test('a rename is there or not, never by half', () => {
    const seen = outcomes((seed) => {
      const { io, node } = bench(seed);
      durableFile(io, '/data/x', Buffer.from('old'));
      durableFile(io, '/data/y', Buffer.from('new'));
      io.disk.rename('/data/y', '/data/x');
      const { disk } = afterPowerLoss(node);
      return disk
        .list('/data')
        .map((name) => `${name}=${disk.readFile(`/data/${name}`)}`)
        .join(' ');
    });
    expect(seen).toEqual(['x=new', 'x=old y=new']);
  });

  test('a file that is renamed into place without a sync of its own may be empty', () => {
    const seen = outcomes((seed) => {
      const { io, node } = bench(seed);
      const file = io.disk.open('/data/x.tmp', 'w+');
      file.writev([Buffer.from('abc')], 0);
      io.disk.rename('/data/x.tmp', '/data/x');
      io.disk.syncFolder('/data');
      return afterPowerLoss(node).disk.readFile('/data/x').toString().replaceAll('\0', '0');
    });
    expect(seen).toEqual(['', '000', 'abc']);
  });

  test('a replaced file has the new content for good', () => {
    for (const seed of SEEDS) {
      const { io, node } = bench(seed);
      io.disk.replaceFile('/data/x', Buffer.from('old'));
      io.disk.replaceFile('/data/x', Buffer.from('new'));
      const { disk } = afterPowerLoss(node);
      expect(disk.list('/data')).toEqual(['x']);
      expect(disk.readFile('/data/x').toString()).toBe('new');
    }
  });

  test('a removal may be undone until the folder was synced', () => {
    const seen = outcomes((seed) => {
      const { io, node } = bench(seed);
      durableFile(io, '/data/x', Buffer.from('abc'));
      io.disk.remove('/data/x');
      return `${afterPowerLoss(node).disk.exists('/data/x')}`;
    });
    expect(seen).toEqual(['false', 'true']);
  });

  test('what builds on a lost name is lost with it', () => {
    for (const seed of SEEDS) {
      const { io, node } = bench(seed);
      durableFile(io, '/data/x', Buffer.from('kept'));
      io.disk.rename('/data/x', '/data/y');
      io.disk.open('/data/x', 'w+').syncNow();
      const { disk } = afterPowerLoss(node);
      const kept = ['/data/x', '/data/y'].filter((path) => disk.exists(path) && disk.readFile(path).length > 0);
      expect(kept.length).toBe(1);
    }
  });

  test('a folder is removed after all that was in it, and one sync of its parent makes that last', () => {
    for (const seed of SEEDS) {
      const { io, node } = bench(seed);
      io.disk.makeFolder('/data/t-0');
      for (const name of ['a', 'b', 'c']) io.disk.replaceFile(`/data/t-0/${name}`, Buffer.from(name));
      io.disk.syncFolder('/data');
      io.disk.removeFolder('/data/t-0');
      if (seed % 2 === 0) io.disk.syncFolder('/data');
      const { disk } = afterPowerLoss(node);
      if (seed % 2 === 0) expect(disk.list('/data')).toEqual([]);
      for (const name of disk.exists('/data/t-0') ? disk.list('/data/t-0') : []) {
        expect(disk.readFile(`/data/t-0/${name}`).toString()).toBe(name);
      }
    }
  });

  test('a rename into another folder is made durable by either', () => {
    for (const folder of ['/data/a', '/data/b']) {
      for (const seed of SEEDS.slice(0, 20)) {
        const { io, node } = bench(seed);
        io.disk.makeFolder('/data/a');
        io.disk.makeFolder('/data/b');
        io.disk.syncFolder('/data');
        io.disk.replaceFile('/data/a/x', Buffer.from('x'));
        io.disk.rename('/data/a/x', '/data/b/x');
        io.disk.syncFolder(folder);
        const { disk } = afterPowerLoss(node);
        expect([disk.list('/data/a'), disk.list('/data/b')]).toEqual([[], ['x']]);
      }
    }
  });
});

test('whatever was done, all that was synced and left alone is there', () => {
  for (const seed of SEEDS) {
    const { io, node, world } = bench(seed);
    const promised = new Map<string, string>();
    for (let step = 0; step < 60; step++) {
      const path = `/data/${below(world.random, 6)}`;
      const kind = world.random.next();
      if (kind < 0.4) {
        io.disk.replaceFile(path, Buffer.from(`content ${step}`));
        promised.set(path, `content ${step}`);
      } else if (kind < 0.6 && io.disk.exists(path)) {
        promised.delete(path);
        io.disk.remove(path);
      } else if (kind < 0.8) {
        const file = io.disk.open(path, 'a+');
        file.writev([Buffer.from('unsynced')], file.size());
        promised.delete(path);
      }
    }
    const { disk } = afterPowerLoss(node);
    for (const [path, content] of promised) expect(disk.readFile(path).toString()).toBe(content);
  }
});

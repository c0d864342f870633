import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openDataFolder, readMarker } from './data-folder.ts';
import { keyFiles, makeKeys, readSigningKey } from './keys.ts';

const ONE = { portOffset: 0, brokers: 1 };

function laptop() {
  return createSimWorld({ seed: 1 }).node('laptop');
}

test('the marker tells later commands the port offset that the platform was started with', () => {
  const io = laptop().boot();
  expect(readMarker(io, '/data')).toBeUndefined();
  openDataFolder(io, '/data', { portOffset: 300, brokers: undefined }).release();
  expect(readMarker(io, '/data')).toEqual({ format: 1, portOffset: 300, brokers: 1, mirrors: 1 });
  openDataFolder(io, '/data', { portOffset: 300, brokers: undefined, mirrors: 2 });
  expect(readMarker(io, '/data')).toMatchObject({ format: 1, mirrors: 2 });
});

test('a folder in use by another process is refused', () => {
  const io = laptop().boot();
  openDataFolder(io, '/data', ONE);
  expect(() => openDataFolder(io, '/data', ONE)).toThrow('Stop the other platform, or choose another folder');
});

test('a folder that a newer version wrote is refused and stays as it was', () => {
  const io = laptop().boot();
  io.disk.makeFolder('/data');
  const text = Buffer.from('{"format":3,"portOffset":0,"shiny":true}');
  io.disk.replaceFile('/data/meridian.json', text);
  expect(() => openDataFolder(io, '/data', ONE)).toThrow('/data has format 3, this version knows 2');
  expect(io.disk.readFile('/data/meridian.json')).toEqual(text);
});

test('a marker that is no marker is refused', () => {
  const io = laptop().boot();
  io.disk.makeFolder('/data');
  io.disk.replaceFile('/data/meridian.json', Buffer.from('{'));
  expect(() => openDataFolder(io, '/data', ONE)).toThrow('/data/meridian.json');
});

test('brokers may be added and not left out; whoever says nothing gets as many as there were', () => {
  const io = laptop().boot();
  const start = (brokers?: number) => {
    const folder = openDataFolder(io, '/data', { portOffset: 0, brokers });
    folder.release();
    return [folder.brokers, readMarker(io, '/data')?.format];
  };
  expect(start()).toEqual([1, 1]);
  expect(start(3)).toEqual([3, 2]);
  expect(start()).toEqual([3, 2]);
  expect(start(5)).toEqual([5, 2]);
  expect(() => start(3)).toThrow('/data was started with 5 brokers in each region, not 3');
  expect(start()).toEqual([5, 2]);
});

test('keys are made once, and the public file has no private part', () => {
  const io = laptop().boot();
  io.disk.makeFolder('/data');
  const files = makeKeys(io, '/data');
  const texts = Object.values(files).map((file) => io.disk.readFile(file).toString());
  makeKeys(io, '/data');
  expect(Object.values(keyFiles('/data')).map((file) => io.disk.readFile(file).toString())).toEqual(texts);
  expect(readSigningKey(io, '/data')).toHaveProperty('d');
  expect(JSON.parse(io.disk.readFile(files.jwks).toString()).keys[0]).not.toHaveProperty('d');
});

test('without a platform there are no keys, and the error says what to do', () => {
  expect(() => readSigningKey(laptop().boot(), '/data')).toThrow('Start the local platform first');
});

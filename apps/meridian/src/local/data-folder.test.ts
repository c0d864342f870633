import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { openDataFolder, readMarker } from './data-folder.ts';
import { keyFiles, makeKeys, readSigningKey } from './keys.ts';

function laptop() {
  return createSimWorld({ seed: 1 }).node('laptop');
}

test('the marker tells later commands the port offset that the platform was started with', () => {
  const io = laptop().boot();
  expect(readMarker(io, '/data')).toBeUndefined();
  openDataFolder(io, '/data', 300);
  expect(readMarker(io, '/data')).toEqual({ format: 1, portOffset: 300 });
});

test('a folder in use by another process is refused', () => {
  const io = laptop().boot();
  openDataFolder(io, '/data', 0);
  expect(() => openDataFolder(io, '/data', 0)).toThrow('Stop the other platform, or choose another folder');
});

test('a folder that a newer version wrote is refused and stays as it was', () => {
  const io = laptop().boot();
  io.disk.makeFolder('/data');
  const text = Buffer.from('{"format":2,"portOffset":0,"shiny":true}');
  io.disk.replaceFile('/data/meridian.json', text);
  expect(() => openDataFolder(io, '/data', 0)).toThrow('/data has format 2, this version knows 1');
  expect(io.disk.readFile('/data/meridian.json')).toEqual(text);
});

test('a marker that is no marker is refused', () => {
  const io = laptop().boot();
  io.disk.makeFolder('/data');
  io.disk.replaceFile('/data/meridian.json', Buffer.from('{'));
  expect(() => openDataFolder(io, '/data', 0)).toThrow('/data/meridian.json');
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

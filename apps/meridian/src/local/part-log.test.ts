import { createSimWorld } from '@meridian/io/sim';
import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { openPartLog, terminalText } from './part-log.ts';

test('warnings and errors are shown, the rest is only kept', () => {
  const fields = { time: 't', process: 'broker', region: 'us-east', pid: 1 };
  expect(terminalText(JSON.stringify({ ...fields, level: 'info', msg: 'ready' }))).toBeUndefined();
  expect(terminalText(JSON.stringify({ ...fields, level: 'warn', msg: 'slow', ms: 7 }))).toBe('warn: slow {"ms":7}');
  expect(terminalText('Error: something that is no log line')).toBe('Error: something that is no log line');
  expect(terminalText('{half')).toBe('{half');
});

test('a log goes on where the one before it ended, and begins a new file when it is full', () => {
  const io = createSimWorld({ seed: 1 }).node('laptop').boot();
  io.disk.makeFolder('/logs');
  openPartLog(io, '/logs/a.log', () => undefined).write('{"n":1}');
  const log = openPartLog(io, '/logs/a.log', () => undefined);
  log.write('{"n":2}');
  expect(io.disk.readFile('/logs/a.log').toString()).toBe('{"n":1}\n{"n":2}\n');
  for (let n = 0; n < 400; n += 1) log.write(`{"x":"${'x'.repeat(60_000)}"}`);
  expect(io.disk.list('/logs')).toEqual(['a.log', 'a.log.1']);
  expect(io.disk.stat('/logs/a.log').size).toBeLessThan(20 * 1024 * 1024);
});

test('a full disk is told once, also amid the change of files, and lines are kept again when there is room', () => {
  const node = createSimWorld({ seed: 1 }).node('laptop');
  const io = node.boot();
  io.disk.makeFolder('/logs');
  const shown: string[] = [];
  const log = openPartLog(io, '/logs/a.log', (text) => void shown.push(text));
  const long = `{"x":"${'x'.repeat(60_000)}"}`;
  for (let at = 0; at + long.length + 1 < LIMITS.maxLogBytes; at += long.length + 1) log.write(long);
  node.setFull(true);
  for (let n = 0; n < 3; n += 1) log.write(long);
  expect(shown).toEqual([expect.stringMatching(/its log cannot be written.*The disk is full/)]);
  node.setFull(false);
  log.write(long);
  expect(io.disk.readFile('/logs/a.log').toString()).toBe(`${long}\n`);
  expect(io.disk.list('/logs')).toEqual(['a.log', 'a.log.1']);
});

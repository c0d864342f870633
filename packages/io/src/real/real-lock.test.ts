/** The lock against crashes, recycled pids and a crowd: real processes, killed for real. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identityOf, takeLock } from './real-lock.ts';

let folder: string;
let children: ChildProcess[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meridian-lock-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process that says whether it got the lock, and then lives on. */
function contender(path: string): Promise<string> {
  const source = `
    import { takeLock } from ${JSON.stringify(join(import.meta.dirname, 'real-lock.ts'))};
    try { takeLock(${JSON.stringify(path)}); console.log('held'); } catch (error) { console.log(error.code); }
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return new Promise((resolve) => child.stdout!.once('data', (line: Buffer) => resolve(line.toString().trim())));
}

function codeOf(path: string): string {
  try {
    takeLock(path).release();
    return 'free';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('a lock outlives neither kill -9 nor an orderly exit of its holder', async () => {
  const path = join(folder, '.lock');
  expect(await contender(path)).toBe('held');
  expect(codeOf(path)).toBe('locked');
  const died = new Promise((resolve) => children[0]!.once('exit', resolve));
  children[0]!.kill('SIGKILL');
  await died;
  expect(codeOf(path)).toBe('free');
});

test('of many that find a dead holder at once, one takes its place', async () => {
  const path = join(folder, '.lock');
  expect(await contender(path)).toBe('held');
  const died = new Promise((resolve) => children[0]!.once('exit', resolve));
  children[0]!.kill('SIGKILL');
  await died;
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => contender(path)));
  expect(outcomes.sort()).toEqual(['held', 'locked', 'locked', 'locked', 'locked']);
  expect(readdirSync(folder)).toEqual(['.lock', '.lock.owner.2']);
});

test('a living process that has got the pid of a dead holder does not count', () => {
  const path = join(folder, '.lock');
  takeLock(path).release();
  const [pid, , boot] = identityOf(process.pid)!.split(':');
  symlinkSync(`${pid}:1:${boot}`, `${path}.owner.2`);
  expect(codeOf(path)).toBe('free');
  symlinkSync(`${identityOf(process.pid)}`, `${path}.owner.4`);
  expect(codeOf(path)).toBe('locked');
});

test('a dead number below a living one does not open the lock', () => {
  const path = join(folder, '.lock');
  const lock = takeLock(path);
  symlinkSync('released', `${path}.owner.0`);
  expect(codeOf(path)).toBe('locked');
  lock.release();
  expect(codeOf(path)).toBe('free');
});

test('the lock is an ordinary file, which Apache Kafka can open and lock', () => {
  const path = join(folder, '.lock');
  writeFileSync(path, '');
  const lock = takeLock(path);
  expect(statSync(path).isFile()).toBe(true);
  expect(codeOf(path)).toBe('locked');
  lock.release();
  expect(statSync(path).isFile()).toBe(true);
});

test('a lock that an earlier release left as a folder gives way, unless its holder lives', () => {
  const path = join(folder, '.lock');
  mkdirSync(path);
  symlinkSync(`${identityOf(process.pid)}`, join(path, 'owner.1'));
  expect(codeOf(path)).toBe('locked');
  symlinkSync('released', join(path, 'owner.2'));
  expect(codeOf(path)).toBe('free');
  expect(statSync(path).isFile()).toBe(true);
});

test('a process that locked the file by the kernel’s means keeps us out', async () => {
  const path = join(folder, '.lock');
  // As long as its input stays open; Java locks a file in another way, but the kernel lists both.
  const child = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  expect(codeOf(path)).toBe('locked');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin!.end();
  await ended;
  expect(codeOf(path)).toBe('free');
});

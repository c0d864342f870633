import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startPartProcess } from './part-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-part-'));
afterAll(() => rmSync(folder, { recursive: true }));
const TESTING = join(import.meta.dirname, '../testing');

function configFile(config: unknown): string {
  const path = join(folder, `${Math.random()}.json`);
  writeFileSync(path, JSON.stringify(config));
  return path;
}

/** Starts a part and gathers what it tells. */
function start(config: unknown) {
  const lines: string[] = [];
  let ready: (ports: unknown) => void = () => undefined;
  let exited: (how: string) => void = () => undefined;
  const onReady = new Promise((resolve) => {
    ready = resolve;
  });
  const onExit = new Promise<string>((resolve) => {
    exited = resolve;
  });
  const part = startPartProcess({
    main: join(TESTING, 'stub-part.ts'),
    configFile: configFile(config),
    labels: { region: 'us-east' },
    compileCacheFolder: '',
    onReady: ready,
    onLogLine: (line) => void lines.push(line),
    onExit: exited,
  });
  return { part, lines, onReady, onExit };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('a part tells its ports, logs with its labels, and ends on SIGTERM with code 0', async () => {
  const { part, lines, onReady, onExit } = start({ port: 7 });
  expect(await onReady).toEqual({ port: 7 });
  part.signal('SIGTERM');
  expect(await onExit).toBe('exit code 0');
  expect(lines.map((line) => JSON.parse(line))[0]).toMatchObject({ process: 'stub', region: 'us-east', msg: 'ready' });
});

test('a part that is told to end while it still starts does so, with code 0', async () => {
  const { part, lines, onExit } = start({ port: 7, waits: true });
  while (lines.length === 0) await pause(10);
  part.signal('SIGTERM');
  expect(await onExit).toBe('exit code 0');
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'waiting',
    'stopping',
    'the start is given up',
    'stopped',
  ]);
});

test('a part with a wrong config ends with code 1 and says which field', async () => {
  const { lines, onExit } = start({ prot: 7 });
  expect(await onExit).toBe('exit code 1');
  expect(lines.join()).toContain('port is missing');
});

test('a part does not outlive its supervisor, even if that was killed with -9, and stops in order', async () => {
  const goodbyeFile = join(folder, 'goodbye');
  const config = configFile({ port: 7, goodbyeFile });
  const supervisor = spawn(process.execPath, [join(TESTING, 'stub-supervisor.ts'), config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told = await new Promise<Buffer>((resolve) => supervisor.stdout.once('data', resolve));
  const { pid } = JSON.parse(String(told)) as { pid: number };
  expect(isAlive(pid)).toBe(true);
  supervisor.kill('SIGKILL');
  while (isAlive(pid)) await pause(10);
  expect(readFileSync(goodbyeFile, 'utf8')).toBe('stopped in order');
});

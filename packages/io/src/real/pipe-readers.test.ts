import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createReaderCheck } from './real-io.ts';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
const folder = (): string => fs.mkdtempSync(join(tmpdir(), 'meridian-pipe-'));

test.runIf(process.platform === 'linux')('a pipe has a reader until the last one has closed it', () => {
  const path = join(folder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const open = (flags: number): number => fs.openSync(path, flags | O_NONBLOCK);
  const readers = [open(O_RDONLY), open(O_RDONLY)];
  const writer = open(O_WRONLY);
  const hasReader = createReaderCheck(writer);
  expect([hasReader(), hasReader()]).toEqual([true, true]);
  fs.closeSync(readers[0] as number);
  const late = open(O_RDONLY);
  fs.closeSync(readers[1] as number);
  expect(hasReader()).toBe(true);
  fs.closeSync(late);
  expect(hasReader()).toBe(false);
  fs.closeSync(writer);
});

test('a reader that was never seen is taken to be there, and so is one of what is no pipe', () => {
  const path = join(folder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = fs.openSync(path, O_RDONLY | O_NONBLOCK);
  const writer = fs.openSync(path, O_WRONLY | O_NONBLOCK);
  fs.closeSync(reader);
  const file = fs.openSync(join(folder(), 'file'), 'w');
  for (const descriptor of [writer, file, 1_000_000]) {
    const hasReader = createReaderCheck(descriptor);
    for (let n = 0; n < 10; n++) expect(hasReader()).toBe(true);
  }
});

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');
const data = mkdtempSync(join(tmpdir(), 'meridian-cli-'));
afterAll(() => rmSync(data, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
    child.stdin?.end();
  });
}

test('help goes to stdout with code 0, wrong usage to stderr with code 2', async () => {
  const help = await run('tail', '--help');
  expect([help.code, help.stderr]).toEqual([0, '']);
  expect(help.stdout).toContain('--limit <records>');
  for (const args of [['tial'], ['tail'], ['tail', 't', '--limit', 'x'], ['tail', 't', '--token', 'T']]) {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout, stderr.startsWith('error: ')]).toEqual([2, '', true]);
  }
});

test('a region that is not there, and a token that is missing, are told', async () => {
  const { code, stderr } = await run('tail', 't', '--region', 'mars', '--token', 'T', '--data', data);
  expect([code, stderr]).toEqual([1, expect.stringContaining('Region mars; there are: eu-west, us-east.')]);
  expect((await run('tail', 't', '--region', 'eu-west', '--data', data)).stderr).toContain('MERIDIAN_TOKEN');
});

test('a mistake in the regions folder is told with file, line and field', async () => {
  const regions = mkdtempSync(join(data, 'regions-'));
  writeFileSync(join(regions, 'a.yaml'), 'name: a\nid: 1\nengine: redpanda\n');
  const { code, stderr } = await run('local', '--regions', regions, '--data', join(data, 'x'));
  expect(code).toBe(1);
  expect(stderr).toContain('a.yaml:3: engine must be one of "embedded", "kafka"');
});

test('links of a platform that does not run prints nothing but an error', async () => {
  const { code, stdout, stderr } = await run('links', '--port-offset', '22500', '--data', data);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain('Is the platform running?');
});

test('a port offset beyond all ports is the fault of the option', async () => {
  for (const command of [['local'], ['links'], ['tail', 't', '--region', 'eu-west', '--token', 'T']]) {
    const { code, stdout, stderr } = await run(...command, '--port-offset', '99999', '--data', join(data, 'o'));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: --port-offset 99999: eu-west's kafka\.port would be 109191\n/);
  }
});

test('a data folder that is a file is told to be one', async () => {
  const file = join(data, 'file');
  writeFileSync(file, '');
  for (const command of [['local'], ['token', '--tenant', 't', '--subject', 's', '--allow', 'x:read'], ['links']]) {
    const { code, stderr } = await run(...command, '--data', file);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${file} is not a folder.`)]);
  }
});

test('a port in use is told before anything is started', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(30_080, '127.0.0.1', resolve));
  const { code, stderr } = await run('local', '--port-offset', '22000', '--data', join(data, 'y'));
  server.close();
  expect(code).toBe(1);
  expect(stderr).toContain("Port 30080 on 127.0.0.1, wanted for us-east's gateway, is in use.");
});

test('a reader of stdout that goes away ends a command quietly', async () => {
  const child = spawn(process.execPath, [MAIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk) => errors.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, Buffer.concat(errors).toString()]).toEqual([0, '']);
});

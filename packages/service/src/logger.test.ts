import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** What a logger in a process of its own writes to stderr. */
function linesOf(script: string): Record<string, unknown>[] {
  const logger = new URL('./logger.ts', import.meta.url).href;
  const io = new URL('../../io/src/errors.ts', import.meta.url).href;
  const code = `import { createLogger } from '${logger}'; import { IoError } from '${io}'; const log = createLogger({}); ${script}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  expect(stdout).toBe('');
  return stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('what failed in the world is logged in its own words, a bug with its stack', () => {
  const [full, bug] = linesOf(
    `log.error('offline', { error: new IoError('no-space', 'write a.log') }); log.error('failed', { error: new TypeError('x') });`,
  );
  expect(full?.error).toEqual({ code: 'no-space', message: expect.stringContaining('write a.log: The disk is full') });
  expect(bug?.error).toEqual({ message: 'x', stack: expect.stringContaining('TypeError: x\n') });
});

/** Holds docs/mirror-failures.md to the tests that it names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../tidy/source-files.ts';

const CASE = /^\| (?!case|---)(?<what>.*?) \| .* \| `(?<file>[^`]+)` "(?<name>[^"]+)" \|$/;

test('every case of docs/mirror-failures.md has the test that it names', () => {
  const lines = readFileSync(join(ROOT, 'docs/mirror-failures.md'), 'utf8').split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !line.startsWith('| case '));
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter((row) => {
    const { file, name } = CASE.exec(row)?.groups ?? {};
    return file === undefined || !readFileSync(join(ROOT, file), 'utf8').includes(`'${name}'`);
  });
  expect(missing).toEqual([]);
});

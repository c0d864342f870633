/** The table of planted bugs against the tree as it is: a place that has moved must be found again. */
import { fileURLToPath } from 'node:url';
import { createRealIo } from '@meridian/io/real';
import { expect, test } from 'vitest';
import { PLANTED_BUGS } from './bugs.ts';
import { plantInto } from './planted-bug.ts';

const sourceOf = (file: string): string =>
  createRealIo()
    .disk.readFile(fileURLToPath(new URL(`../../../../${file}`, import.meta.url)))
    .toString();

test.each(PLANTED_BUGS)('$name can be planted', ({ edits }) => {
  for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) {
    const source = sourceOf(file);
    expect(plantInto(source, own)).not.toBe(source);
  }
});

test('there are twenty at least, and each has a name of its own', () => {
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(20);
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
});

test('a place that is not there, or twice, is told', () => {
  const edit = { file: 'a.ts', find: 'x', replace: 'y' };
  expect(plantInto('1 x 2', [edit])).toBe('1 y 2');
  expect(() => plantInto('1 2', [edit])).toThrow('a.ts');
  expect(() => plantInto('x x', [edit])).toThrow('2 times');
});

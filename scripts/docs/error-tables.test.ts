/** Holds docs/errors.md and the tables of errors together. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../tidy/source-files.ts';
import { errorsDocument } from './error-tables.ts';

test('docs/errors.md says what the tables of errors say (npm run docs writes it)', async () => {
  expect(readFileSync(join(ROOT, 'docs/errors.md'), 'utf8')).toBe(await errorsDocument());
});

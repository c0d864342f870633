/** Holds docs/configuration.md and the tables of configs together. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../tidy/source-files.ts';
import { configurationDocument } from './configuration.ts';

test('docs/configuration.md says what the tables of configs say (npm run docs writes it)', () => {
  expect(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')).toBe(configurationDocument());
});

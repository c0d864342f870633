/** `npm run docs`: writes the parts of docs/ that are tables in the source. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../tidy/source-files.ts';
import { configurationDocument } from './configuration.ts';
import { errorsDocument } from './error-tables.ts';

writeFileSync(join(ROOT, 'docs/errors.md'), await errorsDocument());
writeFileSync(join(ROOT, 'docs/configuration.md'), configurationDocument());

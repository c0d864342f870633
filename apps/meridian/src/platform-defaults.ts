/** Where things lie when nothing else is said. Apart from `platform.ts`, so that `--help` loads no YAML and TypeBox. */
import { resolve } from 'node:path';

export const DEFAULT_REGIONS = resolve(import.meta.dirname, '../../../regions');

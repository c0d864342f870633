/** Where things lie when nothing else is said. Apart from `platform.ts`, so that `--help` loads no YAML and TypeBox. */
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

export const DEFAULT_REGIONS = resolve(ROOT, 'regions');

/** What Node makes of the sources, kept between starts; shared by the command line and all parts. */
export const COMPILE_CACHE = resolve(ROOT, 'node_modules/.cache/meridian');

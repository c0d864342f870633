/**
 * The units that can be fuzzed: every `NAME.fuzz.ts` in the tree is one, or, if it exports `units`, several with names of
 * their own. `scripts/fuzz.ts` and the tests ask here.
 */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FuzzUnit } from './run-fuzz.ts';

const ROOT = join(import.meta.dirname, '../..');

export async function findUnits(): Promise<Map<string, FuzzUnit>> {
  const files = globSync(['apps/*/src/**/*.fuzz.ts', 'packages/*/src/**/*.fuzz.ts'], { cwd: ROOT }).sort();
  const found = new Map<string, FuzzUnit>();
  for (const file of files) {
    const exported = (await import(join(ROOT, file))) as FuzzUnit & { units?: Record<string, FuzzUnit> };
    const units = exported.units ?? { [basename(file, '.fuzz.ts')]: exported };
    for (const [name, unit] of Object.entries(units)) found.set(name, unit);
  }
  return found;
}

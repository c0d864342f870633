/**
 * Preloaded into a worker (`--import`): changes the source of one file as it is loaded, by the bug that the environment
 * names. Nothing is written to the tree.
 */
import { registerHooks } from 'node:module';
import { PLANTED_BUGS } from './bugs.ts';
import { plantInto } from './planted-bug.ts';

const ROOT = new URL('../../../../', import.meta.url).href;

export function plant(name: string): void {
  const bug = PLANTED_BUGS.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`there is no planted bug ${name}`);
  const target = ROOT + bug.file;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target) return loaded;
      return { ...loaded, source: plantInto(Buffer.from(loaded.source as string | Buffer).toString(), bug) };
    },
  });
}

const { MERIDIAN_PLANTED_BUG } = process.env;
if (MERIDIAN_PLANTED_BUG !== undefined) plant(MERIDIAN_PLANTED_BUG);

/**
 * Preloaded into a worker (`--import`): changes the source of files as they are loaded, by the bug that the environment
 * names. Nothing is written to the tree.
 */
import { registerHooks } from 'node:module';
import { PLANTED_BUGS } from './bugs.ts';
import { plantInto } from './planted-bug.ts';

const ROOT = new URL('../../../../', import.meta.url).href;

function plant(name: string): void {
  const bug = PLANTED_BUGS.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`there is no planted bug ${name}`);
  const editsOf = Map.groupBy(bug.edits, ({ file }) => ROOT + file);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = editsOf.get(url);
      if (edits === undefined) return loaded;
      return { ...loaded, source: plantInto(Buffer.from(loaded.source as string | Buffer).toString(), edits) };
    },
  });
}

const { MERIDIAN_PLANTED_BUG } = process.env;
if (MERIDIAN_PLANTED_BUG !== undefined) plant(MERIDIAN_PLANTED_BUG);

/** What a bug that can be planted is, and how it is put into a source. */
import type { Suite } from '../cluster/workers.ts';

/**
 * A bug that can be planted: one small replacement, or two that belong together, in the source of product files. Applied
 * by `plant.ts` when a worker loads them, so that the tree stays as it is.
 * Invariant: `find` stands in its file exactly once; a source that has moved on is told, not passed over.
 */
export interface PlantedBug {
  readonly name: string;
  /** In which it is sought. Default: `cluster`. */
  readonly suite?: Suite;
  /** Where its search begins, unless it is told to begin later: seeds before it are known not to show it. */
  readonly firstSeed?: number;
  /** What is wrong with it, in a sentence. */
  readonly what: string;
  readonly edits: readonly Edit[];
}

export interface Edit {
  /** Path in the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Throws if the source does not have the place exactly once. */
export function plantInto(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    const parts = text.split(find);
    if (parts.length === 2) return parts.join(replace);
    throw new Error(`${file} has the place of a planted bug ${parts.length - 1} times: ${find}`);
  }, source);
}

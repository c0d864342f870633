/**
 * A bug that can be planted: a small replacement in the source of a product file. Applied by `plant.ts` when a worker
 * loads that file, so that the tree stays as it is.
 * Invariant: `find` stands in the file exactly once; a source that has moved on is told, not passed over.
 */
export interface PlantedBug {
  readonly name: string;
  /** What is wrong with it, in a sentence. */
  readonly what: string;
  /** Path in the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Throws if the source does not have the place exactly once. */
export function plantInto(source: string, { name, file, find, replace }: PlantedBug): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${name} cannot be planted: ${file} has its place ${parts.length - 1} times`);
  return parts.join(replace);
}

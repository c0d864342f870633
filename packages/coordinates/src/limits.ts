/** Every bound and wait of this package, by name. */
export const LIMITS = {
  /** Runs that are kept packed together; a lookup unpacks one such chunk, an edit packs one anew. */
  chunkRuns: 128,
  /** Distances from run to run beyond this are not packed. */
  maxPackedGap: 2 ** 48,
} as const;

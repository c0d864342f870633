/** The group coordinator's bounds, in one place; those that are configs are in `group-settings.ts`. */
export const GROUP_LIMITS = {
  /** Bytes that a replay reads at a time. */
  replayReadBytes: 1_048_576,
  /** Records in one batch; a commit of more partitions takes several. */
  recordsPerBatch: 1_000,
} as const;

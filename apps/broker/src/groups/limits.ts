/** The group coordinator's bounds, in one place; those that are configs are in `group-settings.ts`. */
export const GROUP_LIMITS = {
  /** Records in one batch of the clean-up; what somebody asked for is one batch, whole or not at all. */
  recordsPerBatch: 1_000,
} as const;

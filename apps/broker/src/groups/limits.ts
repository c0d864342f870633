/** The group coordinator's bounds, in one place; those that are configs are in `group-settings.ts`. */
export const GROUP_LIMITS = {
  /** What one member may say of itself: more than a record of `__consumer_offsets` can hold. */
  subscriptionBytes: 1_048_576,
  /** Members of one group that have been given an id and have not come back with it yet. */
  pendingMembers: 10_000,
  /** Records in one batch of the clean-up; what somebody asked for is one batch, whole or not at all. */
  recordsPerBatch: 1_000,
} as const;

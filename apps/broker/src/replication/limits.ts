/** Bounds and waits of replication that are no configs, by name. */
export const REPLICATION_LIMITS = {
  /** Beyond what a fetch was told to wait, after which its connection is given up. */
  fetchTimeoutMs: 10_000,
  /** For the request that ends a session: nobody waits for it. */
  farewellTimeoutMs: 1_000,
  /** First rest after trouble; it doubles up to `replica.fetch.backoff.ms`. Short: leaders learn of it a moment later. */
  backoffBaseMs: 10,
  /** What the throttle holds up is looked at again so often. */
  throttledRetryMs: 100,
  /** One AlterPartition request, until the controller has decided; and the rest after a failure. */
  alterTimeoutMs: 10_000,
  alterBackoffMs: 50,
  /** Partitions in one AlterPartition request. */
  alteredPerRequest: 2_000,
} as const;

/** The waits of a broker's life in its cluster, by name; the intervals that Kafka has configs for are in its tables. */
export const LIFECYCLE_LIMITS = {
  /** After a registration or heartbeat that failed: doubles from the first to the second. */
  retryBaseMs: 50,
  retryCapMs: 1_000,
  /** One registration: the controller may be moving. */
  registrationTimeoutMs: 10_000,
  /** While fenced but ready, heartbeats come sooner than the interval, so that what was missing is not waited for. */
  fencedBaseMs: 10,
  fencedCapMs: 250,
  /** While it waits for its leaders to move away. */
  shutdownEveryMs: 50,
  /** A controlled shutdown that takes longer is given up: what the broker leads is then elected anew. */
  shutdownTimeoutMs: 5_000,
  /** One heartbeat of a broker that stops; it is given up without an answer, as there may be no controller any more. */
  shutdownHeartbeatTimeoutMs: 1_000,
} as const;

/** Bounds of the quorum's machine, by name. Kafka's numbers where Kafka has one. */
export const MACHINE_LIMITS = {
  /** Fetches that may wait at a leader for news; those beyond are answered at once. */
  waitingFetches: 1_000,
  /** Observers whose progress a leader keeps. */
  observers: 1_000,
  /** An observer that has not fetched for so long is forgotten. */
  observerSessionMs: 300_000,
  /** A new voter must have had everything that the leader had, so lately. */
  caughtUpWithinMs: 3_600_000,
  /** Back-offs within which nodes stand up that doubt their leader at one time. */
  doubtBackoffs: 5,
  /** After so many elections in a row without a winner the pauses grow no longer. */
  lostElections: 10,
} as const;

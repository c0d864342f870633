/** Every bound and wait of this package, by name. */
export const LIMITS = {
  /** Runs that are kept packed together; a lookup unpacks one such chunk, an edit packs one anew. */
  chunkRuns: 128,
  /** Distances from run to run beyond this are not packed. */
  maxPackedGap: 2 ** 48,
  /** Reading a topic of bookkeeping to its end, and appending to it, before the caller is told that it did not work. */
  bookkeepingTimeoutMs: 15_000,
  /** A topic that is not there yet, or broke off, is looked for again; one that was just made first after, and then doubling. */
  bookkeepingRetryMs: 500,
  bookkeepingMadeMs: 10,
  /** Of a fetch of bookkeeping where nothing comes. */
  bookkeepingMaxWaitMs: 2_000,
  /** Runs of a partition of `__meridian_runs` that are kept; of more, the copies asked for last. */
  keptRuns: 1_000_000,
  /** Of one partition of bookkeeping in one answer. */
  bookkeepingFetchBytes: 1024 * 1024,
  /** Of one record of `__meridian_topics`. */
  factsBytes: 262_144,
  /** The end of a copy's log is looked at from so many offsets before it, and then eight times as far back. */
  tailFirstReach: 8,
  tailFetchBytes: 65_536,
  /** What a region's topics are is asked for again after so long. */
  topicsMaxAgeMs: 1_000,
  /** Topics whose configs are asked for in one request. */
  describeTopics: 500,
  /** Ends of re-based copies that are remembered. */
  rememberedEnds: 10_000,
  /** A copy that was to be made and has no facts after so long is a topic like others: who announced it has given up. */
  announcementMs: 3_600_000,
  /** Announcements in one batch, which has to stay below `max.message.bytes`. */
  announcedAtOnce: 1_000,
  /** Facts of copies in one batch, likewise. */
  factsAtOnce: 200,
} as const;

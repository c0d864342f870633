/** Every bound of a simulated region, in virtual milliseconds where it is a time. Pairs are drawn from, by the seed. */
export const CLUSTER_LIMITS = {
  /** From the first boot until everything serves. */
  startMs: 60_000,
  stormMs: 30_000,
  /** After the storm everything is healed, and must have converged by then. */
  convergeMs: 60_000,
  /** The same after all nodes were started once more, at the very end. */
  restartConvergeMs: 60_000,
  faults: [34, 48] as const,
  faultMs: [100, 4_000] as const,
  /** A dead process is started again after between these. */
  restartMs: [50, 3_000] as const,
  pauseMs: [50, 7_000] as const,
  clockJumpMs: [-3_600_000, 3_600_000] as const,
  clockDriftPpm: [-500, 500] as const,
  slowDiskMs: [20, 400] as const,
  slowLinkMs: [20, 250] as const,
  syncMs: [0.5, 12] as const,
  /** A full disk still takes so much. */
  freeBytes: [0, 20_000] as const,
  /** Of a workload. */
  recordsPerWriter: 260,
  looseRecords: 160,
  writePauseMs: [5, 150] as const,
  maxBatchRecords: 4,
  valueBytes: [10, 500] as const,
  /** Batches of one writer that are under way together. */
  window: [1, 4] as const,
  /** A call of a client ends long after the storm. */
  callMs: 150_000,
  retryMs: 100,
  adminPauseMs: [100, 1_500] as const,
  adminCallMs: 5_000,
  memberPollMs: 40,
  memberSessionMs: 6_000,
  memberLifeMs: [2_000, 12_000] as const,
  /** One look at what is committed. */
  watchOffsetsMs: 700,
  /** Sockets of one node, whatever its peers did. */
  maxConnections: 90,
  maxQueuedBytes: 8_388_608,
  /** Between two looks at the bounds. */
  boundsEveryMs: 250,
  /** Violations that are told of one seed. */
  maxViolations: 5,
} as const;

/** Of campaigns of many seeds. */
export const CAMPAIGN = {
  workers: 2,
  /** With so many seeds each rare situation must have been seen. */
  seedsToSeeAll: 100,
  /** Seeds in which a planted bug must be found. */
  plantedSeeds: 40,
} as const;

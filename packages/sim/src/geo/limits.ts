/** Every bound of a run of three regions, in virtual milliseconds where it is a time. */
export const GEO = {
  startMs: 30_000,
  /** Faults and writes happen within this time. */
  stormMs: 25_000,
  /** After the storm everything is healed, and must have converged by then. */
  convergeMs: 120_000,
  faults: [8, 16] as const,
  faultMs: [200, 4_000] as const,
  restartMs: [50, 1_500] as const,
  /** A process that is frozen for longer than a mirror's lease lasts. */
  stallMs: [500, 9_000] as const,
  partitions: 2,
  mirrorsPerRegion: 2,
  writersPerRegion: 2,
  recordsPerWriter: 120,
  maxBatchRecords: 5,
  transactions: 40,
  abortShare: 0.3,
  transactionTries: 20,
  writePauseMs: [5, 250] as const,
  retryMs: 200,
  syncLatencyMs: [2, 40] as const,
  /** Of brokers: small, as records are here. */
  packedLeastBytes: 64,
  betweenRegionsMs: [10, 40] as const,
  /** A group stays in a region for so long, and takes so long to get to the next. */
  stayMs: [500, 4_000] as const,
  moveMs: [0, 9_000] as const,
  travellers: 3,
  /** How often what the mirrors say of themselves is looked at. */
  lookMs: 500,
  /** A link that is cut for so long must not be called healthy any more. */
  silentMs: 20_000,
  /** With nothing wrong for so long, a group has followed to where it is committed: by way of its home, if need be. */
  groupsFollowMs: 5_000,
  /** Another mirror has taken over what a dead one did. */
  takeOverMs: 10_000,
  /** Groups go on moving for so long when the storm is over. */
  calmMs: 35_000,
  /** What was cut off is connected again. */
  reconnectMs: 10_000,
  readMs: 20_000,
  clientRequestMs: 3_000,
} as const;

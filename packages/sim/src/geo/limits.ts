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
  /** Whoever is to be killed while busy is looked at so often. */
  strikeMs: 1,
  strikeTries: 1_000,
  clockJumpMs: 3_600_000,
  /** A process that is frozen for longer than a mirror's lease lasts. */
  stallMs: [500, 9_000] as const,
  partitions: 2,
  mirrorsPerRegion: 2,
  writersPerRegion: 2,
  /** Written behind a link that is cut, before all of it is deleted. */
  batchesBehindCut: 4,
  behindCutMs: 500,
  recordsPerWriter: 200,
  /** Of `keyed`: few, so that most records are replaced. */
  keys: 5,
  compactMs: 1_000,
  compactedCacheBytes: 512,
  maxBatchRecords: 5,
  transactions: 60,
  abortShare: 0.3,
  transactionTries: 20,
  writePauseMs: [5, 700] as const,
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
  /** After a loss of power, copies that were cut and commits that went are mended. */
  mendMs: 15_000,
  /** A commit that was not answered may still come. */
  lateCommitMs: 15_000,
  /** What the origin has acknowledged for so long is known to a mirror that calls itself healthy. */
  knownMs: 18_000,
  /** Every mirror is frozen for so long once. */
  frozenMs: 20_000,
  /** Readers that watch copies wait so long for more, and are answered within a little more. */
  watchWaitMs: 2_000,
  watchSlackMs: 200,
  /** Groups go on moving for so long when the storm is over. */
  calmMs: 35_000,
  /** What was cut off is connected again. */
  reconnectMs: 10_000,
  readMs: 20_000,
  clientRequestMs: 3_000,
} as const;

/** Every bound of the command line and the local platform, by name. */
export const LIMITS = {
  /** More of them would make every change of metadata slower, and survive little more. */
  maxVoters: 5,
  /** From the start of a part to its `ready` line. */
  readyTimeoutMs: 20_000,
  /** From SIGTERM to SIGKILL: for a part that hangs. One whose stop does not move ends by itself long before. */
  stopTimeoutMs: 30_000,
  /** A part that died is started again after this, doubled with each death in a row. */
  restartMinMs: 100,
  restartMaxMs: 10_000,
  /** A part that ran this long is healthy again: its deaths are forgotten. */
  healthyAfterMs: 30_000,
  /** Parts of a platform that was killed have this long to leave their ports. */
  leftoverTimeoutMs: 10_000,
  leftoverCheckMs: 100,
  /** One log file; an older twin is kept beside it. */
  maxLogBytes: 20 * 1024 * 1024,
  /** A part's line that is longer is cut. */
  maxLineBytes: 65_536,
  /** Records of `produce` on the way. */
  maxInFlightRecords: 10_000,
  /** Of failed records of `produce`, the first ones are told singly. */
  maxFailuresShown: 10,
  /** Text that `tail` holds for a slow reader of stdout. */
  maxPendingOutputBytes: 1024 * 1024,
  /** How often `tail` looks whether anybody still reads its stdout. */
  readerCheckMs: 500,
  connectTimeoutMs: 10_000,
  requestTimeoutMs: 5_000,
  /** `verify` reads all of a topic in two regions. */
  verifyTimeoutMs: 3_600_000,
  /** Planning asks regions that may not answer. */
  failoverTimeoutMs: 30_000,
  /** A run is looked on for so long, and so often; the mirror goes on with it even if nobody waits. */
  failoverWaitMs: 600_000,
  failoverPollMs: 500,
  tokenLifeMs: 24 * 3_600_000,
} as const;

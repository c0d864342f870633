/** Every bound of a simulated run, in virtual milliseconds where it is a time. */
export const LIMITS = {
  /** Faults and writes happen within this time. */
  stormMs: 12_000,
  /** After the storm everything is healed, and must have converged by then. */
  convergeMs: 60_000,
  /** How many in a storm. */
  faults: [6, 14] as const,
  /** A dead process is started again after between these. */
  restartMs: [50, 1_500] as const,
  faultMs: [100, 2_500] as const,
  startMs: 20_000,
  partitions: 2,
  writersPerRegion: 2,
  publishersPerRegion: 1,
  recordsPerWriter: 150,
  recordsPerPublisher: 60,
  maxBatchRecords: 5,
  /** Pause of a writer between two batches. */
  writePauseMs: [1, 100] as const,
  /** Of the brokers' disks: long, so that power is often lost while something waits for it. */
  syncLatencyMs: [2, 40] as const,
  interRegionLatencyMs: [10, 40] as const,
  /** Of brokers: small, as records are here. */
  packedLeastBytes: 64,
} as const;

/** What compaction is asked and what it answers: the types that a log's owner sees. */

/** Kafka's words: `min.compaction.lag.ms`, `max.compaction.lag.ms`, `delete.retention.ms`. */
export interface CompactionPolicy {
  /** Wall clock. */
  readonly nowMs: number;
  /** Nothing at or behind it is touched: the last stable offset, or the high watermark. */
  readonly maxOffset: number;
  /** A segment stays as it is while its newest record is younger. */
  readonly minCompactionLagMs: number;
  /** A dirty record that is older makes compaction overdue, whatever the ratio; may be infinite. */
  readonly maxCompactionLagMs: number;
  /** How long tombstones and markers are still shown after the compaction that first met them. */
  readonly deleteRetentionMs: number;
  /** Memory for the offset map; default in `limits.ts`. */
  readonly mapBytes?: number | undefined;
  /** How full the map may get; default in `limits.ts`. */
  readonly mapLoadFactor?: number | undefined;
  /** Bytes read and written in a second; default in `limits.ts`. */
  readonly bytesPerSecond?: number | undefined;
  /** Bytes after which the event loop has its turn; default in `limits.ts`. */
  readonly sliceBytes?: number | undefined;
}

export interface Dirtiness {
  readonly firstDirtyOffset: number;
  readonly firstUncleanableOffset: number;
  /** Dirty bytes that could be compacted, as a part of them and the clean ones; compare `min.cleanable.dirty.ratio`. */
  readonly dirtyRatio: number;
  /** `max.compaction.lag.ms` has passed. */
  readonly isOverdue: boolean;
}

export interface CompactionResult {
  /** Below it every key has one record; Kafka's cleaner checkpoint. */
  readonly cleanedEnd: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** False if the log was closed, cut or shortened meanwhile: what was done stays, the rest is for another time. */
  readonly isComplete: boolean;
}

export interface Compaction {
  /** Behind the part that was compacted; its owner keeps it (`cleaner-offset-checkpoint`) and sets it after a restart. */
  cleanedEnd: number;
  readonly isRunning: boolean;
  assess(policy: CompactionPolicy): Dirtiness;
  /**
   * Compacts what may be, in slices, while the log is used. One at a time. Rejects with `LogError` (`corrupt-batch`) or
   * `IoError` (disk full); the log is as it was then, and stays online unless files were half exchanged.
   */
  run(policy: CompactionPolicy): Promise<CompactionResult>;
}

/** The partition log: `@meridian/log`. */
export {
  type CleanedPartition,
  readCleanerCheckpoint,
  writeCleanerCheckpoint,
} from './cleaner/cleaner-checkpoint.ts';
export type { Compaction, CompactionPolicy, CompactionResult, Dirtiness } from './cleaner/policy.ts';
export { LOG_ERRORS, LogError, type LogErrorCode } from './errors.ts';
export { createFilePool, type FilePool } from './file-pool.ts';
export { type LogDir, openLogDir } from './log-dir.ts';
export type {
  AbortedTransaction,
  AppendResult,
  EpochCache,
  EpochEntry,
  Log,
  LogConfig,
  LogLimits,
  OpenLogOptions,
  ProducerState,
  ReadOptions,
  ReadResult,
  Retention,
  SequenceCheck,
  TimestampOffset,
} from './log-interface.ts';
export type { MarksStore } from './log-marks.ts';
export { openLog } from './open-log.ts';
export { folderOwner } from './partition-metadata.ts';
export { createTailBudget, type TailBudget } from './tail-budget.ts';

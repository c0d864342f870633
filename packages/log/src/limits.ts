/** Every bound of this package, by name, and the defaults of what can be set. */
import type { LogConfig, LogLimits } from './log-interface.ts';

/** Kafka's defaults: `segment.bytes`, `index.interval.bytes`, `segment.ms`, `segment.jitter.ms`, `segment.index.bytes`, `file.delete.delay.ms`. */
export const DEFAULT_CONFIG: LogConfig = {
  segmentBytes: 1_073_741_824,
  indexIntervalBytes: 4096,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  indexBytes: 10_485_760,
  fileDeleteDelayMs: 60_000,
  fsync: false,
};

export const DEFAULT_LIMITS: LogLimits = { tailBytes: 4_194_304, pendingBytes: 1_048_576, producers: 100_000 };

/** Tail memory of a process when the owner hands in no budget of its own: one log's worth. */
export const DEFAULT_TAIL_BUDGET_BYTES = 4_194_304;
/** Positions and relative offsets in a segment are int32. */
export const MAX_SEGMENT_BYTES = 2 ** 31 - 1;
export const MAX_RELATIVE_OFFSET = 2 ** 31 - 1;
/** Batches per producer that are recognised when they come again (Kafka's number; clients have five in flight). */
export const PRODUCER_WINDOW = 5;
/** A batch that is a smaller part than this of the memory it lies in is copied before it is kept. */
export const TAIL_MAX_BACKING_RATIO = 8;
/** What the tail counts for a batch beside its bytes: the objects around them, which weigh more where batches are small. */
export const TAIL_ENTRY_BYTES = 256;
/** Buffers that one read returns at most; many small batches are read on with the next. */
export const MAX_READ_BUFFERS = 256;
/** Least that a read from disk asks for, so that small batches do not cost a call each. */
export const MIN_DISK_READ_BYTES = 16_384;
/** Reads of a scan that checks CRCs, and of one that looks at headers only and may jump over large batches. */
export const VERIFY_CHUNK_BYTES = 1_048_576;
export const HEADER_CHUNK_BYTES = 65_536;
/** Indexes of sealed segments that a log holds in memory. */
export const MAX_LOADED_INDEXES = 4;
/** Longest checkpoint file that is read. */
export const MAX_CHECKPOINT_BYTES = 16_777_216;
/** Largest producer snapshot that is read. */
export const MAX_SNAPSHOT_BYTES = 67_108_864;
/** Segment files that the logs of one log dir hold open together. */
export const MAX_OPEN_SEGMENT_FILES = 1_000;
/** How long after a recovery point or high watermark has moved it is written down, and a log start, which is not in the batches. */
export const CHECKPOINT_INTERVAL_MS = 60_000;
export const URGENT_CHECKPOINT_MS = 1_000;
/** First size of an index in memory; it doubles. */
export const INDEX_INITIAL_BYTES = 96;

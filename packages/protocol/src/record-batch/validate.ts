/**
 * The structural walk over every record that a client listener does before a batch enters the log, as Apache Kafka
 * does. No object per record. Invariant: a batch that passes can be read to its end by anybody, and its records are
 * as many, and where, as the header says.
 */
import { RecordBatchError } from './errors.ts';
import { type BatchHeader, readBatchHeader } from './header.ts';
import { openPayload, type PayloadOptions } from './payload.ts';
import { RecordWalk } from './record-walk.ts';

export interface ValidateOptions extends PayloadOptions {
  /**
   * What the records' offset deltas must be: `dense` is 0, 1, 2 … up to the last (what a producer sends), `ascending` what
   * compaction leaves (the default), `any` is for a batch whose records are going to be numbered anew.
   */
  readonly offsets?: 'dense' | 'ascending' | 'any' | undefined;
  /** The batch's own, where it has been read already. */
  readonly header?: BatchHeader | undefined;
}

export interface RecordsSummary {
  readonly header: BatchHeader;
  /** Smallest and largest timestamp of the records themselves; −1 for a batch without records. */
  readonly minTimestamp: number;
  readonly maxTimestamp: number;
  /** Offset delta of the first record that bears `maxTimestamp`. */
  readonly maxTimestampDelta: number;
  /** Records without a key: a compacted topic takes none. */
  readonly keylessRecords: number;
  /** Size of the records, decompressed. */
  readonly plainBytes: number;
  /** Where they lie: from `plainFrom` to the end of the batch, or of what was decompressed. */
  readonly plain: Uint8Array;
  readonly plainFrom: number;
  /** Whether the records lie at offset deltas 0, 1, 2 … */
  readonly isDense: boolean;
}

/** Walks all records of the one batch at the start of `bytes`; throws `RecordBatchError` on the first contradiction. */
export function validateRecords(bytes: Uint8Array, options: ValidateOptions = {}): RecordsSummary {
  const { offsets = 'ascending', header = readBatchHeader(bytes) } = options;
  if (offsets !== 'ascending' && header.recordCount !== header.lastOffsetDelta + 1) {
    throw new RecordBatchError(
      'corrupt-batch',
      `${header.recordCount} records in ${header.lastOffsetDelta + 1} offsets`,
    );
  }
  const cursor = openPayload(bytes, header, options);
  const plainFrom = cursor.at;
  const walk = new RecordWalk(cursor, offsets);
  walk.run(header.recordCount);
  if (cursor.at !== cursor.end || (offsets !== 'any' && walk.offsetDelta > header.lastOffsetDelta)) {
    throw new RecordBatchError('corrupt-record', 'records do not end where the batch does');
  }
  const empty = header.recordCount === 0;
  return {
    header,
    minTimestamp: empty ? -1 : header.baseTimestamp + walk.minDelta,
    maxTimestamp: empty ? -1 : header.baseTimestamp + walk.maxDelta,
    maxTimestampDelta: walk.maxDeltaAt,
    keylessRecords: walk.keyless,
    plainBytes: cursor.end - plainFrom,
    plain: cursor.bytes,
    plainFrom,
    isDense: walk.isDense,
  };
}

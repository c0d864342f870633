/**
 * What a topic wants of the records of a batch: keys where it is compacted, timestamps near the broker's clock. The walk
 * has told the extremes, so a batch without fault costs nothing here; else every record is looked at, and the refusal
 * names those at fault, with Apache Kafka's words (LogValidator). Called by `batch-checks.ts`.
 */
import { decompress, ERROR } from '@meridian/protocol';
import {
  BATCH_FIELD,
  type BatchHeader,
  batchRecordCount,
  NO_TIMESTAMP,
  type Rec,
  type RecordsSummary,
  readRecords,
} from '@meridian/protocol/record-batch';
import { MAX_RECORD_ERRORS } from '../../limits.ts';
import type { TopicSettings } from '../topic-settings.ts';
import { ProduceRefusal, type RecordError } from './produce-refusal.ts';

export interface RecordRules {
  readonly nowMs: number;
  readonly maxDecompressedBytes: number;
  readonly partition: { readonly topic: string; readonly index: number };
}

type Settings = Pick<TopicSettings, 'compacted' | 'logAppendTime' | 'timestampBeforeMaxMs' | 'timestampAfterMaxMs'>;

const INVALID_TIMESTAMPS = 'One or more records have been rejected due to invalid timestamp';
const SHOWN_ERRORS = 3;
const LONG_MAX = 2n ** 63n - 1n;

/** Throws `ProduceRefusal` if one of the records is at fault. */
export function checkRecords(batch: Buffer, summary: RecordsSummary, settings: Settings, rules: RecordRules): void {
  const { minTimestamp, maxTimestamp, keylessRecords } = summary;
  const { logAppendTime } = settings;
  const isUntimely =
    !logAppendTime &&
    (maxTimestamp > rules.nowMs + settings.timestampAfterMaxMs ||
      minTimestamp < rules.nowMs - settings.timestampBeforeMaxMs);
  if (isUntimely || (settings.compacted && keylessRecords > 0)) refuseThoseAtFault(batch, settings, rules);
}

/** Timestamps so far off that they are no numbers of ours: all records of the batch are at fault. */
export function refuseAllTimestamps(batch: Buffer, settings: Settings, nowMs: number): ProduceRefusal {
  const timestamp = batch.readBigInt64BE(BATCH_FIELD.baseTimestamp);
  const count = Math.min(Math.max(0, batchRecordCount(batch)), MAX_RECORD_ERRORS);
  const errors = Array.from({ length: count }, (_, batchIndex) => ({
    batchIndex,
    batchIndexErrorMessage: outOfRange(timestamp, batchIndex, settings, nowMs),
  }));
  return new ProduceRefusal(ERROR.INVALID_TIMESTAMP, INVALID_TIMESTAMPS, errors);
}

/** LogAppendTime is the broker's to say. */
export function refuseTimestampType({ recordCount }: BatchHeader): ProduceRefusal {
  const errors = Array.from({ length: Math.min(recordCount, MAX_RECORD_ERRORS) }, (_, batchIndex) => ({
    batchIndex,
    batchIndexErrorMessage: `Invalid timestamp type in message ${batchIndex}. Producer should not set timestamp type to LogAppendTime.`,
  }));
  return new ProduceRefusal(ERROR.INVALID_TIMESTAMP, INVALID_TIMESTAMPS, errors);
}

function refuseThoseAtFault(batch: Buffer, settings: Settings, rules: RecordRules): void {
  const errors: RecordError[] = [];
  let total = 0;
  let isTimely = true;
  let batchIndex = 0;
  const note = (batchIndexErrorMessage: string): void => {
    total++;
    if (errors.length < MAX_RECORD_ERRORS) errors.push({ batchIndex, batchIndexErrorMessage });
  };
  const { maxDecompressedBytes, partition, nowMs } = rules;
  for (const record of readRecords(batch, { decompress, maxDecompressedBytes })) {
    if (settings.compacted && record.key === null) {
      note(
        `Compacted topic cannot accept message without key in topic partition ${partition.topic}-${partition.index}`,
      );
    } else if (!settings.logAppendTime && isOutOfRange(record, settings, nowMs)) {
      isTimely = false;
      note(outOfRange(BigInt(record.timestamp), record.offset, settings, nowMs));
    }
    batchIndex++;
  }
  if (total === 0) return;
  if (!isTimely) throw new ProduceRefusal(ERROR.INVALID_TIMESTAMP, INVALID_TIMESTAMPS, errors);
  throw new ProduceRefusal(ERROR.INVALID_RECORD, sumUp(total, errors), errors);
}

function isOutOfRange({ timestamp }: Rec, settings: Settings, nowMs: number): boolean {
  if (timestamp === NO_TIMESTAMP) return false;
  return timestamp < nowMs - settings.timestampBeforeMaxMs || timestamp > nowMs + settings.timestampAfterMaxMs;
}

function outOfRange(timestamp: bigint, offset: number, settings: Settings, nowMs: number): string {
  const from = BigInt(nowMs) - long(settings.timestampBeforeMaxMs);
  const to = BigInt(nowMs) + long(settings.timestampAfterMaxMs);
  return `Timestamp ${timestamp} of message with offset ${offset} is out of range. The timestamp should be within [${from}, ${to}]`;
}

const long = (value: number): bigint => (Number.isFinite(value) ? BigInt(value) : LONG_MAX);

function sumUp(total: number, errors: readonly RecordError[]): string {
  const shown = errors
    .slice(0, SHOWN_ERRORS)
    .map((each) => `RecordError(batchIndex=${each.batchIndex}, message='${each.batchIndexErrorMessage}')`);
  return `One or more records have been rejected due to ${total} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`;
}

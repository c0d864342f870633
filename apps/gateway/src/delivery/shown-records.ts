/**
 * Records as JSON clients see them: batches are decoded here, and only for those who asked for JSON.
 * Invariant: every offset of the batches is accounted for, in order: shown, or inside an `undecodable` range, or
 * skipped because it holds no record (control batches, compaction).
 */
import { decompress } from '@meridian/protocol';
import { type Rec, RecordBatchError, readRecords } from '@meridian/protocol/record-batch';
import { LIMITS } from '../limits.ts';
import type { BatchInfo } from './chunk.ts';
import { showPayload } from './payload.ts';

export interface ShownRecord {
  readonly offset: number;
  /** The record's JSON text. */
  readonly text: string;
}

export interface Undecodable {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly reason: string;
}

export type Shown = ShownRecord | Undecodable;

const DECODING = { decompress, maxDecompressedBytes: LIMITS.maxDecompressedBatchBytes };

export const isUndecodable = (shown: Shown): shown is Undecodable => 'reason' in shown;

/** All that a JSON client is told about a batch. */
export function showBatch(batch: BatchInfo): Shown[] {
  const shown: Shown[] = [];
  try {
    for (const record of readRecords(batch.bytes, DECODING)) {
      shown.push({ offset: record.offset, text: showRecord(record) });
    }
    return shown;
  } catch (error) {
    if (!(error instanceof RecordBatchError) && typeof (error as { code?: unknown }).code !== 'string') throw error;
    return [{ from: batch.baseOffset, to: batch.nextOffset, reason: (error as Error).message }];
  }
}

function showRecord(record: Rec): string {
  const start = `{"offset":${record.offset},"timestamp":${record.timestamp},"key":${showPayload(record.key)}`;
  const headers = record.headers.length === 0 ? '' : `,"headers":[${record.headers.map(showHeader).join(',')}]`;
  return `${start},"value":${showPayload(record.value)}${headers}}`;
}

function showHeader(header: Rec['headers'][number]): string {
  return `{"name":${JSON.stringify(header.key)},"value":${showPayload(header.value)}}`;
}

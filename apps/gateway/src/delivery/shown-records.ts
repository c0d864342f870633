/**
 * Records as JSON clients see them: batches are decoded here, and only for those who asked for JSON.
 * Invariant: every offset of the batches is accounted for, in order: shown, or inside an `undecodable` range, or
 * skipped because it holds no record (control batches, compaction).
 */
import { decompress } from '@meridian/protocol';
import { type Rec, RecordBatchError, readRecords } from '@meridian/protocol/record-batch';
import { LIMITS } from '../limits.ts';
import { begin, rewind, take, writeAscii, writeComma, writePayload, writeUtf8, written } from './json-writer.ts';

export interface BatchInfo {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

/** Records that go into one frame. */
export interface ShownRun {
  /** Their JSON texts, commas between them; valid only until the next run is asked for. */
  readonly body: Buffer;
  readonly offsets: readonly number[];
  /** Where each one ends in `body`. */
  readonly ends: readonly number[];
  /** The offset that the run accounts for up to, exclusive. */
  readonly next: number;
}

export interface Undecodable {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly reason: string;
}

const DECODING = { decompress, maxDecompressedBytes: LIMITS.maxDecompressedBatchBytes };

export const isUndecodable = (shown: ShownRun | Undecodable): shown is Undecodable => 'reason' in shown;

/** All that a JSON client is told about batches that account for the offsets up to `next`. */
export function* showBatches(batches: readonly BatchInfo[], next: number): Generator<ShownRun | Undecodable> {
  let offsets: number[] = [];
  let ends: number[] = [];
  const run = (to: number): ShownRun => ({ body: take(), offsets, ends, next: to });
  const restart = (): void => {
    offsets = [];
    ends = [];
    begin();
  };
  restart();
  for (const batch of batches) {
    let soundFrom = batch.baseOffset;
    let soundRecords = offsets.length;
    try {
      for (const record of readRecords(batch.bytes, DECODING)) {
        if (written() > LIMITS.messagesFrameBytes) {
          yield run(record.offset);
          restart();
          soundFrom = record.offset;
          soundRecords = 0;
        }
        if (offsets.length > 0) writeComma();
        writeRecord(record);
        offsets.push(record.offset);
        ends.push(written());
      }
    } catch (error) {
      if (!(error instanceof RecordBatchError)) throw error;
      // Nothing of a batch that lies is shown, but for frames that are out already.
      offsets.length = soundRecords;
      ends.length = soundRecords;
      rewind(ends.at(-1) ?? 0);
      if (soundRecords > 0) yield run(soundFrom);
      restart();
      yield { from: soundFrom, to: batch.nextOffset, reason: error.message };
    }
  }
  if (offsets.length > 0) yield run(next);
}

function writeRecord(record: Rec): void {
  writeAscii(`{"offset":${record.offset},"timestamp":${record.timestamp},"key":`);
  writePayload(record.key);
  writeAscii(',"value":');
  writePayload(record.value);
  if (record.headers.length > 0) writeHeaders(record.headers);
  writeAscii('}');
}

function writeHeaders(headers: Rec['headers']): void {
  writeAscii(',"headers":[');
  for (const [index, header] of headers.entries()) {
    writeUtf8(`${index === 0 ? '' : ','}{"name":${JSON.stringify(header.key)},"value":`);
    writePayload(header.value);
    writeAscii('}');
  }
  writeAscii(']');
}

/**
 * The records of a batch in a form that does not depend on the batch in which they lie: of each its offset, its timestamp,
 * and key, value and headers as they are encoded. For whoever compares logs that hold the same records in other batches.
 * Invariant: forms that are equal hold the same records; equal records that producers encoded in two ways may differ.
 */
import { writeInt64 } from './bytes.ts';
import { RecordBatchError } from './errors.ts';
import { readBatchHeader } from './header.ts';
import { openPayload, type PayloadOptions } from './payload.ts';

const HEAD_BYTES = 16;

/** `placeOf`: the offset that is written for a record; undefined leaves the record out. */
export function plainRecords(
  bytes: Uint8Array,
  placeOf: (offset: number) => number | undefined,
  options: PayloadOptions = {},
): Uint8Array {
  const header = readBatchHeader(bytes);
  const cursor = openPayload(bytes, header, options);
  const { baseOffset, baseTimestamp, maxTimestamp, hasLogAppendTime, recordCount } = header;
  const out = new Uint8Array(cursor.end - cursor.at + recordCount * HEAD_BYTES);
  let to = 0;
  for (let index = 0; index < recordCount; index++) {
    const length = cursor.int32();
    const end = cursor.skip(length) + length;
    cursor.at = end - length + 1; // behind the attributes, of which none are defined
    const timestamp = baseTimestamp + cursor.int64();
    const place = placeOf(baseOffset + cursor.int32());
    if (cursor.at > end) throw new RecordBatchError('corrupt-record', `record of ${length} bytes`);
    if (place !== undefined) {
      writeInt64(out, to, place);
      writeInt64(out, to + 8, hasLogAppendTime ? maxTimestamp : timestamp);
      out.set(cursor.bytes.subarray(cursor.at, end), to + HEAD_BYTES);
      to += HEAD_BYTES + end - cursor.at;
    }
    cursor.at = end;
  }
  return out.subarray(0, to);
}

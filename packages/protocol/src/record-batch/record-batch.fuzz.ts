/**
 * Feeds any bytes to the batch walker, reader and validator: nothing but `RecordBatchError` may come out, and what passes
 * can be written anew.
 */
import { decompress } from '../compression/compression.ts';
import { nativeCrc32c } from '../native-crc32c.ts';
import {
  iterateBatches,
  RecordBatchError,
  readBatchHeader,
  readRecords,
  recodeBatch,
  validateRecords,
} from './record-batch.ts';

const MAX_PLAIN_BYTES = 1_048_576;

export function fuzz(bytes: Uint8Array): void {
  const options = { decompress, maxDecompressedBytes: MAX_PLAIN_BYTES };
  try {
    for (const { bytes: batch } of iterateBatches(bytes, 'partial')) {
      for (const _record of readRecords(batch, options)) {
        // reading is the point
      }
      validateRecords(batch, options);
      const { recordCount, lastOffsetDelta } = readBatchHeader(batch);
      if (recordCount === 0 || recordCount !== lastOffsetDelta + 1) continue;
      recode(batch);
    }
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
  }
}

function recode(batch: Uint8Array): void {
  const summary = validateRecords(batch, { offsets: 'any', decompress, maxDecompressedBytes: MAX_PLAIN_BYTES });
  const recoded = recodeBatch(batch, summary, { codec: 'none', compress: (_codec, plain) => plain, crc: nativeCrc32c });
  const again = validateRecords(recoded, { offsets: 'dense' });
  if (again.maxTimestamp !== summary.maxTimestamp || again.keylessRecords !== summary.keylessRecords) {
    throw new Error('written anew the records are others');
  }
}

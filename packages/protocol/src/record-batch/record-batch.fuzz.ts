/** Feeds any bytes to the batch walker, reader and validator: nothing but `RecordBatchError` may come out. */
import { decompress } from '../compression/compression.ts';
import { iterateBatches, RecordBatchError, readRecords, validateRecords } from './record-batch.ts';

const MAX_PLAIN_BYTES = 1_048_576;

export function fuzz(bytes: Uint8Array): void {
  const options = { decompress, maxDecompressedBytes: MAX_PLAIN_BYTES };
  try {
    for (const { bytes: batch } of iterateBatches(bytes, 'partial')) {
      for (const _record of readRecords(batch, options)) {
        // reading is the point
      }
      validateRecords(batch, options);
    }
  } catch (error) {
    if (!(error instanceof RecordBatchError)) throw error;
  }
}

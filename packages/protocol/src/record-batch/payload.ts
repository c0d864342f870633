/**
 * The records section of a batch as plain bytes, decompressed under a bound where it has to be. Used by the record
 * reader and by the validator.
 */
import { RecordBatchError } from './errors.ts';
import { BATCH_HEADER_BYTES, type BatchHeader, type Codec } from './header.ts';
import { MAX_DECOMPRESSED_BYTES, MIN_RECORD_BYTES } from './limits.ts';
import { Cursor } from './varint.ts';

/** Returns the plain bytes, or throws `RecordBatchError`: never more than `maxBytes`, and no more memory than that. */
export type Decompress = (codec: Codec, bytes: Uint8Array, maxBytes: number) => Uint8Array;

export interface PayloadOptions {
  /** Without it, compressed batches are an `unsupported-codec` error. */
  readonly decompress?: Decompress | undefined;
  readonly maxDecompressedBytes?: number | undefined;
}

/** A cursor over the plain records of the batch that begins at byte 0 of `bytes`. */
export function openPayload(bytes: Uint8Array, header: BatchHeader, options: PayloadOptions): Cursor {
  if (header.codec === 'none') return new Cursor(bytes, BATCH_HEADER_BYTES, header.sizeInBytes);
  if (options.decompress === undefined) throw new RecordBatchError('unsupported-codec', header.codec);
  const packed = bytes.subarray(BATCH_HEADER_BYTES, header.sizeInBytes);
  const plain = options.decompress(header.codec, packed, options.maxDecompressedBytes ?? MAX_DECOMPRESSED_BYTES);
  if (header.recordCount * MIN_RECORD_BYTES > plain.length) {
    throw new RecordBatchError('corrupt-record', `${header.recordCount} records in ${plain.length} bytes`);
  }
  return new Cursor(plain, 0, plain.length);
}

/**
 * Kafka's compression codecs for Node processes: gzip and zstd by `node:zlib`, snappy and lz4 of our own. Handed to the
 * record reader and validator, which know no codec themselves.
 * Invariant: a decompressor allocates no more than the bound given, whatever the bytes announce, and throws nothing but
 * `RecordBatchError`: `too-large` beyond the bound, `corrupt-compression` for all else.
 */
import { constants, gunzipSync, gzipSync, type InputType, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Codec, RecordBatchError } from '../record-batch/record-batch.ts';
import { lz4Compress, lz4Decompress } from './lz4.ts';
import { snappyCompress, snappyDecompress } from './snappy.ts';

/** Largest window that a zstd frame may ask for: 8 MiB, what every decoder must support (RFC 8878). */
const MAX_ZSTD_WINDOW_LOG = 23;

export function compress(codec: Codec, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzipSync(bytes);
    case 'snappy':
      return snappyCompress(bytes);
    case 'lz4':
      return lz4Compress(bytes);
    case 'zstd':
      return zstdCompressSync(bytes);
  }
}

export function decompress(codec: Codec, bytes: Uint8Array, maxBytes: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return inflate(() => gunzipSync(bytes as InputType, { maxOutputLength: Math.max(1, maxBytes) }));
    case 'snappy':
      return snappyDecompress(bytes, maxBytes);
    case 'lz4':
      return lz4Decompress(bytes, maxBytes);
    case 'zstd':
      return inflate(() =>
        zstdDecompressSync(bytes as InputType, {
          maxOutputLength: Math.max(1, maxBytes),
          params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG },
        }),
      );
  }
}

/** Translates what `node:zlib` throws. */
function inflate(run: () => Uint8Array): Uint8Array {
  try {
    return run();
  } catch (error) {
    const code = (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'corrupt-compression';
    throw new RecordBatchError(code, (error as Error).message, { cause: error });
  }
}

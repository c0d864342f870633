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
/** The first zstd level whose window may be larger. */
const WIDE_WINDOW_LEVEL = 20;

/** `level` is gzip's (−1 to 9) or zstd's (−131072 to 22); without one, the library's default. The others have none. */
export function compress(codec: Codec, bytes: Uint8Array, level?: number): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return level === undefined ? gzipSync(bytes) : gzipSync(bytes, { level });
    case 'snappy':
      return snappyCompress(bytes);
    case 'lz4':
      return lz4Compress(bytes);
    case 'zstd':
      return level === undefined ? zstdCompressSync(bytes) : zstdCompressSync(bytes, { params: zstdParams(level) });
  }
}

/** High levels would make windows that decoders need not support. */
function zstdParams(level: number): Record<number, number> {
  const { ZSTD_c_compressionLevel, ZSTD_c_windowLog } = constants;
  if (level < WIDE_WINDOW_LEVEL) return { [ZSTD_c_compressionLevel]: level };
  return { [ZSTD_c_compressionLevel]: level, [ZSTD_c_windowLog]: MAX_ZSTD_WINDOW_LOG };
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
      return zstdDecompress(bytes, maxBytes);
  }
}

/** `node:zlib` passes over what lies behind the last frame; other decoders stumble over it. */
function zstdDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const options = {
    info: true,
    maxOutputLength: Math.max(1, maxBytes),
    params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG },
  };
  let consumed = 0;
  const plain = inflate(() => {
    const { buffer, engine } = zstdDecompressSync(bytes as InputType, options) as unknown as ZlibInfo;
    consumed = engine.bytesWritten;
    return buffer;
  });
  if (consumed === bytes.length) return plain;
  throw new RecordBatchError('corrupt-compression', `zstd: ${bytes.length - consumed} bytes behind the frame`);
}

/** What `info` makes `node:zlib` return. */
interface ZlibInfo {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
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

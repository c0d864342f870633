/**
 * Zstandard as both twins of the doorway have it: the same options, bounds and errors, whether threads work or not.
 * Invariant: what is read back takes no more memory than the bound and one piece, and throws nothing but `IoError`.
 */
import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { IoError } from './errors.ts';
import { ZSTD_MAX_WINDOW_LOG, ZSTD_PIECE_BYTES } from './limits.ts';

/** What `info` makes `node:zlib` return. */
export interface ZlibInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** Large pieces: with Node's of 16 KiB each megabyte would go 64 times between the threads. */
export function compressOptions(bytes: Uint8Array, level: number): ZstdOptions {
  const chunkSize = Math.min(ZSTD_PIECE_BYTES, Math.max(constants.Z_MIN_CHUNK, bytes.length));
  return { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } };
}

export function decompressOptions(maxBytes: number): ZstdOptions {
  const most = Math.max(1, maxBytes);
  return {
    // One more than there may be: that nothing follows is then seen at once.
    chunkSize: Math.min(ZSTD_PIECE_BYTES, Math.max(constants.Z_MIN_CHUNK, most)) + 1,
    maxOutputLength: most,
    info: true,
    params: { [constants.ZSTD_d_windowLogMax]: ZSTD_MAX_WINDOW_LOG },
  };
}

/** What lies behind the last frame `node:zlib` passes over. */
export function wholeOf({ buffer, engine }: ZlibInfo, bytes: Uint8Array, maxBytes: number): Buffer {
  const left = bytes.length - engine.bytesWritten;
  if (left > 0) throw new IoError('corrupt', `zstd: ${left} bytes behind the frame`);
  if (buffer.length > maxBytes) throw tooLarge(maxBytes);
  return buffer;
}

export function zstdErrorFrom(error: unknown, maxBytes: number): IoError {
  if (error instanceof IoError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_BUFFER_TOO_LARGE'
    ? tooLarge(maxBytes)
    : new IoError('corrupt', `zstd: ${message}`, { cause: error });
}

const tooLarge = (maxBytes: number): IoError => new IoError('too-large', `zstd: more than ${maxBytes} bytes`);

/** In this turn; for the simulated twin. */
export const compressNow = (bytes: Uint8Array, level: number): Buffer =>
  zstdCompressSync(bytes, compressOptions(bytes, level));

export function decompressNow(bytes: Uint8Array, maxBytes: number): Buffer {
  try {
    return wholeOf(zstdDecompressSync(bytes, decompressOptions(maxBytes)) as unknown as ZlibInfo, bytes, maxBytes);
  } catch (error) {
    throw zstdErrorFrom(error, maxBytes);
  }
}

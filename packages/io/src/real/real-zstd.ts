/**
 * Zstandard of the real twin: in the threads that Node has for files and the like, a few at a time, so that an fsync
 * never waits behind all of them. Invariant: they are begun in the order in which they were asked for.
 */
import { type ZstdOptions, zstdCompress, zstdDecompress } from 'node:zlib';
import type { Zstd } from '../io.ts';
import { ZSTD_AT_ONCE } from '../limits.ts';
import { compressOptions, decompressOptions, wholeOf, type ZlibInfo, zstdErrorFrom } from '../zstd.ts';

type Work = (bytes: Uint8Array, options: ZstdOptions, done: (error: Error | null, result: Buffer) => void) => void;

const waiting: (() => void)[] = [];
let running = 0;

function ended(): void {
  running--;
  waiting.shift()?.();
}

function inThread<T>(work: Work, bytes: Uint8Array, options: ZstdOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const begin = (): void => {
      running++;
      work(bytes, options, (error, result) => {
        ended();
        if (error === null) resolve(result as T);
        else reject(error);
      });
    };
    if (running < ZSTD_AT_ONCE) begin();
    else waiting.push(begin);
  });
}

export const realZstd: Zstd = {
  compress: (bytes, level) => inThread<Buffer>(zstdCompress, bytes, compressOptions(bytes, level)),
  async decompress(bytes, maxBytes) {
    try {
      const found = await inThread<ZlibInfo>(zstdDecompress as Work, bytes, decompressOptions(maxBytes));
      return wholeOf(found, bytes, maxBytes);
    } catch (error) {
      throw zstdErrorFrom(error, maxBytes);
    }
  },
};

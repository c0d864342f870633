/**
 * Zstandard of the simulated twin: done at once, since no thread may be waited for, and answered after as long as a
 * thread would take. Invariant: a process that has died hears nothing of it any more.
 */
import type { Zstd } from '../io.ts';
import { SIM_ZSTD_BYTES_PER_MS } from '../limits.ts';
import { compressNow, decompressNow } from '../zstd.ts';
import type { SimProcess } from './sim-process.ts';

export function createSimZstd(process: SimProcess): Zstd {
  const later = <T>(label: string, bytes: Uint8Array, run: () => T): Promise<T> =>
    process.promise(label, (resolve, reject) => {
      process.schedule(bytes.length / SIM_ZSTD_BYTES_PER_MS, label, () => {
        try {
          resolve(run());
        } catch (error) {
          reject(error as never);
        }
      });
    });
  return {
    compress: (bytes, level) => later('compress', bytes, () => compressNow(bytes, level)),
    decompress: (bytes, maxBytes) => later('decompress', bytes, () => decompressNow(bytes, maxBytes)),
  };
}

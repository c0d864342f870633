/**
 * CRC-32C by the CPU's instruction, for Node processes: same signature and result as the plain `crc32c` of
 * record-batch, about ten times as fast.
 */
import { crc32c } from '@node-rs/crc32';

export function nativeCrc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  return crc32c(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
}

/**
 * CRC-32C by the CPU's instruction, for Node processes: same signature and result as the plain `crc32c` of
 * record-batch, about ten times as fast. Invariant: what is shorter than the way to the instruction is done here.
 */
import { crc32c as byInstruction } from '@node-rs/crc32';
import { crc32c } from './record-batch/crc32c.ts';

/** A call takes about as long as these in TypeScript. */
const SHORT_BYTES = 256;

export function nativeCrc32c(bytes: Uint8Array, from = 0, to = bytes.length): number {
  if (to - from < SHORT_BYTES) return crc32c(bytes, from, to);
  if (from === 0 && to === bytes.length) return byInstruction(bytes);
  // A view made in this way costs a third of what `Buffer.subarray` does.
  return byInstruction(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from));
}

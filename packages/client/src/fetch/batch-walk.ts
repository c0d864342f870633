/**
 * What a fetched run of bytes holds: whole batches, from where to where. Reads three header fields per batch.
 * Called for every partition of every answer; nothing is copied.
 * Invariant: the batches that are returned ascend, and the last one ends beyond the position.
 */
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchSizeInBytes,
} from '@meridian/protocol/record-batch';

export interface BatchRun {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly lastEpoch: number;
}

/**
 * Leaves out batches that end below `position` and a last one that was cut off. Undefined: nothing is left; a text:
 * what is wrong with the bytes.
 */
export function walkBatches(bytes: Buffer, position: number): BatchRun | string | undefined {
  let from = 0;
  let at = 0;
  let baseOffset = -1;
  let nextOffset = position;
  let lastEpoch = -1;
  while (bytes.length - at >= BATCH_HEADER_BYTES) {
    if (batchMagic(bytes, at) !== 2) return `a batch of magic ${batchMagic(bytes, at)}`;
    const size = batchSizeInBytes(bytes, at);
    if (size < BATCH_HEADER_BYTES) return `a batch of ${size} bytes`;
    if (size > bytes.length - at) break;
    const lastOffset = batchLastOffset(bytes, at);
    if (lastOffset < position && baseOffset < 0) {
      from = at + size;
    } else {
      const base = batchBaseOffset(bytes, at);
      if (lastOffset < base || (baseOffset >= 0 && base < nextOffset))
        return `a batch ${base}..${lastOffset} out of order`;
      if (baseOffset < 0) baseOffset = base;
      nextOffset = lastOffset + 1;
      lastEpoch = batchLeaderEpoch(bytes, at);
    }
    at += size;
  }
  if (baseOffset < 0) return bytes.length > 0 && at === 0 ? 'no whole batch' : undefined;
  return { bytes: bytes.subarray(from, at), baseOffset, nextOffset, lastEpoch };
}

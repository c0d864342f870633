/**
 * Batches of a re-based copy in the coordinates of their origin: base offset and leader epoch, which lie outside of the
 * CRC, are stamped in place; markers of take-overs are left out. Called by `broker/rebased-log.ts` for every answer.
 * Invariant: one look-up per run and not per batch; the buffers belong to the caller, who reads them nowhere else.
 */
import type { FollowedRuns, Origin } from '@meridian/coordinates';
import {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchLastOffset,
  batchSizeInBytes,
  stampBaseOffset,
  stampLeaderEpoch,
} from '@meridian/protocol/record-batch';

export interface OriginBatches {
  readonly buffers: readonly Buffer[];
  /** Batches that no run tells of. */
  readonly foreign: number;
}

/** `buffers` hold whole batches. */
export function inOriginOffsets(buffers: readonly Buffer[], runs: Pick<FollowedRuns, 'originAt'>): OriginBatches {
  const kept: Buffer[] = [];
  let origin: Origin | undefined;
  let distance = 0;
  let foreign = 0;
  for (const buffer of buffers) {
    let keptFrom = 0;
    for (let at = 0; at + BATCH_HEADER_BYTES <= buffer.length; ) {
      const end = at + batchSizeInBytes(buffer, at);
      const base = batchBaseOffset(buffer, at);
      const isControl = (batchAttributes(buffer, at) & ATTRIBUTE.control) !== 0;
      if (!isControl && (origin === undefined || base < origin.fromLocal || base >= origin.untilLocal)) {
        origin = runs.originAt(base);
        distance = origin === undefined ? 0 : origin.originOffset - base;
      }
      if (isControl || origin === undefined || batchLastOffset(buffer, at) >= origin.untilLocal) {
        if (at > keptFrom) kept.push(buffer.subarray(keptFrom, at));
        keptFrom = end;
        if (!isControl) foreign++;
      } else {
        stampBaseOffset(buffer, at, base + distance);
        stampLeaderEpoch(buffer, at, origin.originEpoch);
      }
      at = end;
    }
    if (keptFrom < buffer.length) kept.push(buffer.subarray(keptFrom));
  }
  return { buffers: kept, foreign };
}

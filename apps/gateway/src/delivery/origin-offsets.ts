/**
 * Batches of a re-based copy in the coordinates of their origin: base offset and leader epoch, which lie outside of the
 * CRC, are stamped in place; markers of take-overs are left out. A batch that compaction had thinned out at the origin lies
 * in several runs, and is cut there. Called by `broker/rebased-log.ts` for every answer.
 * Invariant: one look-up per run and not per batch; the buffers belong to the caller, who reads them nowhere else.
 */
import type { FollowedRuns, Origin } from '@meridian/coordinates';
import { decompress, nativeCrc32c } from '@meridian/protocol';
import {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchLastOffset,
  batchSizeInBytes,
  type Rec,
  readRecords,
  stampBaseOffset,
  stampLeaderEpoch,
  writeBatch,
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
        const pieces = isControl ? [] : cutAtRuns(buffer.subarray(at, end), runs);
        kept.push(...pieces);
        if (!isControl && pieces.length === 0) foreign++;
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

/** A batch for each run that its records lie in; what no run tells of is left out. */
function cutAtRuns(batch: Buffer, runs: Pick<FollowedRuns, 'originAt'>): Buffer[] {
  const pieces: { readonly origin: Origin; readonly records: Rec[] }[] = [];
  for (const record of readRecords(batch, { decompress })) {
    const last = pieces.at(-1);
    if (last !== undefined && record.offset < last.origin.untilLocal) last.records.push(record);
    else {
      const origin = runs.originAt(record.offset);
      if (origin !== undefined) pieces.push({ origin, records: [record] });
    }
  }
  return pieces.map(({ origin: { originOffset: baseOffset, originEpoch: leaderEpoch }, records }) => {
    const { buffer, byteOffset, length } = writeBatch({ records, baseOffset, leaderEpoch, crc: nativeCrc32c });
    return Buffer.from(buffer, byteOffset, length);
  });
}

/**
 * Cuts what came of a partition in one answer into appends: by bytes, since one request to the copy is one turn of its
 * broker, and by batches, since that takes only so many. Called by the shell for every slice.
 * Invariant: the pieces are the slice's own bytes, whole batches, in order; nothing is copied.
 */
import type { FetchedSlice } from '@meridian/client';
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchSizeInBytes,
} from '@meridian/protocol/record-batch';

export type Piece = Pick<FetchedSlice, 'buffers' | 'sizeInBytes' | 'baseOffset' | 'nextOffset' | 'lastEpoch'>;

export interface PieceLimits {
  /** A batch that is larger goes alone. */
  readonly appendMaxBytes: number;
  readonly appendMaxBatches: number;
}

export function piecesOf(slice: Piece, limits: PieceLimits): Piece[] {
  const { appendMaxBytes, appendMaxBatches } = limits;
  const isOne = slice.sizeInBytes <= Math.min(appendMaxBytes, appendMaxBatches * BATCH_HEADER_BYTES);
  if (isOne) return [slice];
  const pieces: Piece[] = [];
  for (const bytes of slice.buffers) cut(bytes, limits, pieces);
  return pieces;
}

function cut(bytes: Buffer, { appendMaxBytes, appendMaxBatches }: PieceLimits, pieces: Piece[]): void {
  let from = 0;
  let last = 0;
  let batches = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = at + batchSizeInBytes(bytes, at);
    if (batches > 0 && (batches === appendMaxBatches || end - from > appendMaxBytes)) {
      pieces.push(pieceOf(bytes, from, at, last));
      from = at;
      batches = 0;
    }
    batches++;
    last = at;
    at = end;
  }
  if (batches > 0) pieces.push(pieceOf(bytes, from, bytes.length, last));
}

function pieceOf(bytes: Buffer, from: number, to: number, last: number): Piece {
  return {
    buffers: [bytes.subarray(from, to)],
    sizeInBytes: to - from,
    baseOffset: batchBaseOffset(bytes, from),
    nextOffset: batchLastOffset(bytes, last) + 1,
    lastEpoch: batchLeaderEpoch(bytes, last),
  };
}

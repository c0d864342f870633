/**
 * What a fetched run of bytes holds: whole batches, from where to where, and the first bad one behind them. Reads a
 * few header fields per batch. Called for every partition of every answer; nothing is copied.
 * Invariant: the batches that are returned ascend, and the last one ends beyond the position.
 */
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchLeaderEpoch,
  batchMagic,
  batchRecordCount,
  batchSizeInBytes,
} from '@meridian/protocol/record-batch';

export interface BatchRun {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly lastEpoch: number;
}

/** A batch that cannot be a batch. */
export interface BadBatch {
  readonly problem: string;
  /** The offsets that it takes, `to` exclusive, as far as its header and the next one tell; undefined: they do not. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
}

export interface Walk {
  /** Undefined: nothing is left. */
  readonly run: BatchRun | undefined;
  /** What comes behind the run. */
  readonly bad: BadBatch | undefined;
}

const NOTHING: Walk = { run: undefined, bad: undefined };
const MAGIC = 2;

/** Leaves out batches that end below `position` and a last one that was cut off. `end`: of the log. */
export function walkBatches(bytes: Buffer, position: number, end: number): Walk {
  let from = 0;
  let at = 0;
  let baseOffset = -1;
  let nextOffset = position;
  let lastEpoch = -1;
  let bad: BadBatch | undefined;
  while (bytes.length - at >= BATCH_HEADER_BYTES) {
    const size = batchSizeInBytes(bytes, at);
    if (size > bytes.length - at) break;
    const lastOffset = batchLastOffset(bytes, at);
    const problem = problemAt(bytes, at, size) ?? disorderAt(bytes, at, baseOffset < 0 ? -1 : nextOffset);
    if (problem !== undefined) {
      if (baseOffset >= 0 || !isPassed(bytes, at + size, position)) {
        bad = { problem: `${problem} at offset ${nextOffset}`, range: rangeAt(bytes, at, nextOffset, end) };
        break;
      }
      from = at + size;
    } else if (lastOffset < position && baseOffset < 0) {
      from = at + size;
    } else {
      if (baseOffset < 0) baseOffset = batchBaseOffset(bytes, at);
      nextOffset = lastOffset + 1;
      lastEpoch = batchLeaderEpoch(bytes, at);
    }
    at += size;
  }
  if (baseOffset >= 0) return { run: { bytes: bytes.subarray(from, at), baseOffset, nextOffset, lastEpoch }, bad };
  if (bad !== undefined) return { run: undefined, bad };
  if (bytes.length === 0 || at > 0) return NOTHING;
  const range = bytes.length < BATCH_HEADER_BYTES ? undefined : rangeAt(bytes, 0, position, end);
  return { run: undefined, bad: { problem: `no whole batch at offset ${position}`, range } };
}

function problemAt(bytes: Buffer, at: number, size: number): string | undefined {
  if (batchMagic(bytes, at) !== MAGIC) return `a batch of magic ${batchMagic(bytes, at)}`;
  if (size < BATCH_HEADER_BYTES) return `a batch of ${size} bytes`;
  const [base, last] = [batchBaseOffset(bytes, at), batchLastOffset(bytes, at)];
  return last < base ? `a batch ${base}..${last}` : undefined;
}

function disorderAt(bytes: Buffer, at: number, nextOffset: number): string | undefined {
  const base = batchBaseOffset(bytes, at);
  return base < nextOffset ? `a batch ${base}..${batchLastOffset(bytes, at)} out of order` : undefined;
}

/** Whether the batch before `at` lies below the position, which the one at `at` tells. */
function isPassed(bytes: Buffer, at: number, position: number): boolean {
  const next = baseAt(bytes, at);
  return next !== undefined && next <= position;
}

function baseAt(bytes: Buffer, at: number): number | undefined {
  if (bytes.length - at < BATCH_HEADER_BYTES || batchMagic(bytes, at) !== MAGIC) return undefined;
  return batchBaseOffset(bytes, at);
}

/** Every field may be the one that is wrong: what cannot be is not believed, and at least one offset is passed. */
function rangeAt(bytes: Buffer, at: number, position: number, end: number): BadBatch['range'] {
  const base = batchBaseOffset(bytes, at);
  const from = base > position && base < end ? base : position;
  if (from >= end) return undefined;
  const size = batchSizeInBytes(bytes, at);
  const next = size < BATCH_HEADER_BYTES ? undefined : baseAt(bytes, at + size);
  const limit = next !== undefined && next > from && next <= end ? next : end;
  const last = batchLastOffset(bytes, at);
  if (last >= from && last < limit) return { from, to: last + 1 };
  if (limit < end) return { from, to: limit };
  return { from, to: Math.min(end, from + Math.max(1, batchRecordCount(bytes, at))) };
}

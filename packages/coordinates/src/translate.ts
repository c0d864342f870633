/**
 * Translation of a position ("the next record to be read") from one region to another, by way of the origin. The one
 * function behind groups, cursors and `meridian translate`.
 * Invariant: whoever reads on at the answer reads no record again and passes none over; what it will never find there
 * is told as a gap, in the coordinates of the question.
 */
import assert from 'node:assert/strict';
import type { CopyView } from './copy-view.ts';
import type { Translation } from './run-search.ts';

/** Both views are of one origin's partition. `originEpoch`: of the record at the position, where it is known. */
export function translateOffset(from: CopyView, to: CopyView, offset: number, originEpoch?: number): Translation {
  assert(from.originTopicId === to.originTopicId, 'both hold the records of one topic');
  const born = toOrigin(from, offset);
  if (born.status === 'behind') return born;
  const found = toLocal(to, born.offset, originEpoch);
  if (found.status === 'behind' || (found.status === 'exact' && born.status === 'exact')) return found;
  const last = found.status === 'gap' ? lastBefore(from, found.to) : born.status === 'gap' ? born.to : offset;
  // What was read already is not missing, wherever the other side goes on.
  if (last < offset) return { status: 'exact', offset: found.offset };
  return { status: 'gap', from: offset, to: last, offset: found.offset };
}

/** Position of the question in the origin's offsets. What is below the start of the copy that is asked has a place all the same. */
function toOrigin({ runs, cut }: CopyView, offset: number): Translation {
  if (cut !== undefined && offset > cut) return { status: 'behind', records: offset - cut };
  return runs === 'same' ? { status: 'exact', offset } : runs.toOrigin(offset);
}

function toLocal(view: CopyView, offset: number, originEpoch: number | undefined): Translation {
  const found = view.runs === 'same' ? sameOffset(view, offset) : view.runs.toLocal(offset, originEpoch);
  if (view.cut === undefined) return found;
  const isBeyond = found.status === 'behind' || found.offset > view.cut;
  // Behind the cut the origin went on alone: of those records nothing came here, and nothing ever will.
  return isBeyond ? { status: 'gap', from: offset, to: Number.POSITIVE_INFINITY, offset: view.cut } : found;
}

function sameOffset({ start, end, lost = [] }: CopyView, offset: number): Translation {
  if (offset < start) return { status: 'gap', from: offset, to: start - 1, offset: start };
  if (offset > end) return { status: 'behind', records: offset - end };
  const range = lost.find((each) => offset >= each.from && offset <= each.to);
  return range === undefined
    ? { status: 'exact', offset }
    : { status: 'gap', from: offset, to: range.to, offset: range.to + 1 };
}

/** The last offset of the copy that was asked that lies at or before the origin's offset, and below its end. */
function lastBefore({ runs, end }: CopyView, originOffset: number): number {
  if (originOffset === Number.POSITIVE_INFINITY) return end - 1;
  if (runs === 'same') return originOffset;
  const found = runs.toLocal(originOffset + 1);
  return found.status === 'behind' ? end - 1 : found.offset - 1;
}

/**
 * Both ways through a list of runs, by binary search. `RunTable` asks for the task that writes them, `FollowedRuns` for
 * whoever reads them in `__meridian_runs`. Invariant: an offset that is answered `exact` is where the first record at or
 * behind it lies on the other side; what nobody knows is `behind`, what nobody will ever have is `gap`.
 */
import type { LostRanges } from './lost-ranges.ts';
import type { MarkedRun } from './run-chunk.ts';
import type { RunList } from './run-list.ts';

/** `offset` of a gap: where a reader goes on, the first offset behind what is missing. */
export type Translation =
  | { readonly status: 'exact'; readonly offset: number }
  | { readonly status: 'behind'; readonly records: number }
  | { readonly status: 'gap'; readonly from: number; readonly to: number; readonly offset: number };

/** Below `start` nothing can be read any more, from `end` on nothing is known yet. */
export interface Range {
  start: number;
  end: number;
}

export interface Coordinates {
  readonly runs: RunList;
  readonly lost: LostRanges;
  readonly origin: Readonly<Range>;
  readonly local: Readonly<Range>;
}

export function localOf({ runs, lost, origin, local }: Coordinates, offset: number, originEpoch?: number): Translation {
  if (offset > origin.end) return { status: 'behind', records: offset - origin.end };
  if (offset < origin.start) return gap(offset, origin.start - 1, local.start);
  const { at, after } = runs.around('originStart', offset);
  // A run that has not landed yet is found at its start only: that is where the next record is going to lie.
  if (at !== undefined && offset < at.originStart + Math.max(1, countOf(at, after, local.end))) {
    const found = at.localStart + offset - at.originStart;
    const isOther = originEpoch !== undefined && originEpoch !== at.originEpoch;
    return isOther ? gap(offset, offset, found + 1) : { status: 'exact', offset: found };
  }
  // Everything before the end is there: what comes next lies where the data ends, whatever is planned behind it.
  const found = after === undefined || offset === origin.end ? local.end : after.localStart;
  const range = lost.at(offset);
  return range === undefined ? { status: 'exact', offset: found } : gap(offset, range.to, found);
}

export function originOf({ runs, origin, local }: Coordinates, offset: number): Translation {
  if (offset > local.end) return { status: 'behind', records: offset - local.end };
  if (offset < local.start) return gap(offset, local.start - 1, origin.start);
  const { at, after } = runs.around('localStart', offset);
  // As above: the start of a run that has not landed yet is where its first record is going to lie, and nothing is
  // passed over that is planned between the end and a run behind it.
  if (at !== undefined && offset < at.localStart + Math.max(1, countOf(at, after, local.end))) {
    return { status: 'exact', offset: at.originStart + offset - at.localStart };
  }
  return { status: 'exact', offset: after === undefined || offset === local.end ? origin.end : after.originStart };
}

/** An open run ends where the next one begins, or where the data of the log does. */
export function countOf({ count, localStart }: MarkedRun, after: MarkedRun | undefined, localEnd: number): number {
  return count > 0 ? count : Math.max(0, Math.min(after?.localStart ?? localEnd, localEnd) - localStart);
}

const gap = (from: number, to: number, offset: number): Translation => ({ status: 'gap', from, to, offset });

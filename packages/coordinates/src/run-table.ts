/**
 * Where the records of a re-based copy lie: runs of consecutive origin offsets at consecutive local ones, of one origin
 * epoch each. A task fills it, status and `translate` read it; both ways are one binary search. Invariant: runs ascend
 * and do not overlap on either side, so their number is that of the discontinuities and never that of the records.
 */
import assert from 'node:assert/strict';
import { LostRanges } from './lost-ranges.ts';
import { RunList } from './run-list.ts';
import { type Coordinates, localOf, originOf, type Range, type Translation } from './run-search.ts';

export interface Run {
  readonly originEpoch: number;
  readonly originStart: number;
  readonly localStart: number;
  readonly count: number;
}

/** Origin offsets that never came and never will, both ends included. */
export interface LostRange {
  readonly from: number;
  readonly to: number;
}

/** All that is stored of one partition of a copy, in order. */
export interface StoredRuns<R extends Run> {
  readonly runs: readonly R[];
  readonly lost: readonly LostRange[];
  readonly skipped?: { readonly originEnd: number; readonly localEnd: number } | undefined;
}

export class RunTable implements Coordinates {
  readonly runs = new RunList();
  readonly lost = new LostRanges();
  private isSealed = false;
  /** Below `start` nothing can be read any more, from `end` on nothing is known yet; what is skipped moves `end` too. */
  readonly origin: Range = { start: 0, end: 0 };
  readonly local: Range = { start: 0, end: 0 };

  /** From what is stored, once it is known how long each run is. */
  static from({ runs, lost, skipped }: StoredRuns<Run>): RunTable {
    const table = new RunTable();
    const ahead = [...lost];
    for (const run of runs) {
      while (ahead[0] !== undefined && ahead[0].from < run.originStart) table.lose(ahead.shift()!);
      table.append(run);
    }
    for (const range of ahead) if (range.from >= table.originEnd) table.lose(range);
    if (skipped !== undefined) table.skip(skipped.originEnd, skipped.localEnd);
    return table;
  }

  get size(): number {
    return this.runs.size;
  }

  get originEnd(): number {
    return this.origin.end;
  }

  /** The first record that is left, or the start of the log if that lies behind. */
  get localStart(): number {
    return Math.max(this.local.start, this.runs.first?.localStart ?? 0);
  }

  get localEnd(): number {
    return this.local.end;
  }

  get last(): Run | undefined {
    return this.runs.last;
  }

  list(): readonly Run[] {
    return Array.from(this.runs, plainRun);
  }

  /** Records that follow one another on both sides. Returns the run that they begin, undefined if they extend one. */
  append(records: Run): Run | undefined {
    const { originEpoch, originStart, localStart, count } = records;
    assert(count > 0, 'a run has records');
    assert(originStart >= this.origin.end && localStart >= this.local.end, 'runs ascend');
    const { last } = this.runs;
    this.origin.end = originStart + count;
    this.local.end = localStart + count;
    if (last !== undefined && !this.isSealed && continues(last, originEpoch, originStart, localStart)) {
      this.runs.setLastCount(last.count + count);
      return undefined;
    }
    this.isSealed = false;
    this.runs.push({ originEpoch, originStart, localStart, count, mark: 0 });
    return records;
  }

  /** What follows begins a run, also where it would have extended the last. */
  seal(): void {
    this.isSealed = true;
  }

  /** Up to here nothing follows what is in the table: control batches, aborted data, what compaction took, markers. */
  skip(originEnd: number, localEnd: number): void {
    this.origin.end = Math.max(this.origin.end, originEnd);
    this.local.end = Math.max(this.local.end, localEnd);
  }

  /**
   * A range that the origin lost before it was copied, at the end of what is known. What lies below the first record
   * that is copied is lost, too, unless nothing was there.
   */
  lose(range: LostRange): void {
    assert(range.from >= this.origin.end && range.to >= range.from, 'what is lost lies ahead');
    this.lost.add(range);
    this.skip(range.to + 1, this.local.end);
  }

  toLocal(originOffset: number, originEpoch?: number): Translation {
    return localOf(this, originOffset, originEpoch);
  }

  toOrigin(localOffset: number): Translation {
    return originOf(this, localOffset);
  }

  /** The copy ends here, after its log was cut: what lay behind is forgotten, and copied again. */
  truncate(localEnd: number): void {
    this.runs.truncate(localEnd);
    const { last } = this.runs;
    if (last !== undefined) this.runs.setLastCount(Math.min(last.count, localEnd - last.localStart));
    this.local.end = last === undefined ? Math.max(localEnd, 0) : last.localStart + last.count;
    this.local.start = Math.min(this.local.start, this.local.end);
    this.origin.end = last === undefined ? this.origin.start : last.originStart + last.count;
    this.lost.truncate(this.origin.end);
    this.isSealed = true;
  }

  /**
   * The copy begins here. Returns the local starts of runs that lie below as a whole; the last one stays, since it
   * tells where the copy goes on.
   */
  trim(localStart: number): readonly number[] {
    const upTo = Math.min(localStart, this.local.end);
    if (upTo <= this.local.start) return [];
    const origin = this.toOrigin(upTo);
    assert(origin.status === 'exact', 'within the table');
    this.local.start = upTo;
    this.origin.start = origin.offset;
    this.lost.trim(origin.offset);
    return this.runs.dropEnded(upTo);
  }
}

const plainRun = ({ originEpoch, originStart, localStart, count }: Run): Run => ({
  originEpoch,
  originStart,
  localStart,
  count,
});

function continues(last: Run, originEpoch: number, originStart: number, localStart: number): boolean {
  const isNext = originStart === last.originStart + last.count && localStart === last.localStart + last.count;
  return isNext && originEpoch === last.originEpoch;
}

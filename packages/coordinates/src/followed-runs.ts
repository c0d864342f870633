/**
 * What stands in `__meridian_runs` of one partition of a copy, applied record by record as the topic tells it. Kept by
 * `RunsStore`. Invariant: it is what the topic says and no more: the last run is open, and runs that were written ahead
 * may never land; so whoever translates says where the copy's data ends.
 */
import { LostRanges } from './lost-ranges.ts';
import type { MarkedRun } from './run-chunk.ts';
import { RunList } from './run-list.ts';
import type { RunChange, StoredRun, Tenure } from './run-records.ts';
import { type Coordinates, countOf, localOf, originOf, type Translation } from './run-search.ts';
import type { Run, StoredRuns } from './run-table.ts';

/** Both ways between a copy's offsets and its origin's. `RunTable` is one, too. */
export interface OffsetMap {
  toLocal(originOffset: number, originEpoch?: number): Translation;
  toOrigin(localOffset: number): Translation;
}

/** Where a record of a copy was born. `untilLocal`: records before it lie at the same distance and are of that epoch. */
export interface Origin {
  readonly originOffset: number;
  readonly originEpoch: number;
  readonly fromLocal: number;
  readonly untilLocal: number;
}

export class FollowedRuns {
  private readonly runs = new RunList();
  private readonly lost = new LostRanges();
  private readonly tenures: Tenure[] = [];
  private skipped: { readonly originEnd: number; readonly localEnd: number } | undefined;

  get size(): number {
    return this.runs.size;
  }

  /** Where the last run below an end of the log begins, if it has no count yet: it ends where the copy's data does. */
  openStart(logEnd: number): number | undefined {
    const { at } = this.runs.around('localStart', logEnd - 1);
    return at?.count === 0 ? at.localStart : undefined;
  }

  apply(change: RunChange): void {
    switch (change.type) {
      case 'put':
        return this.runs.put({ ...plain(change.run), mark: this.markOf(change.run.tenure) });
      case 'drop':
        return this.runs.remove(change.localStart);
      case 'lost':
        return this.lost.put(change.range);
      case 'dropLost':
        return this.lost.remove(change.from);
      case 'skipped':
        this.skipped = { originEnd: change.originEnd, localEnd: change.localEnd };
        return;
      case 'dropSkipped':
        this.skipped = undefined;
    }
  }

  /** As stored, for the task that takes over. */
  stored(): StoredRuns<StoredRun> {
    const runs = Array.from(this.runs, (run) => ({ ...plain(run), tenure: this.tenures[run.mark]! }));
    return { runs, lost: this.lost.list.map((range) => ({ ...range })), skipped: this.skipped };
  }

  /** Of a record that lies in the copy's log; undefined: the runs do not tell (any more). */
  originAt(localOffset: number): Origin | undefined {
    const { at, after } = this.runs.around('localStart', localOffset);
    if (at === undefined || (at.count > 0 && localOffset >= at.localStart + at.count)) return undefined;
    return {
      originOffset: at.originStart + localOffset - at.localStart,
      originEpoch: at.originEpoch,
      fromLocal: at.localStart,
      untilLocal: at.count > 0 ? at.localStart + at.count : (after?.localStart ?? Number.POSITIVE_INFINITY),
    };
  }

  /** The origin's epochs that the runs tell, each with the first offset of it that was copied. */
  originEpochs(): { epoch: number; startOffset: number }[] {
    const epochs: { epoch: number; startOffset: number }[] = [];
    for (const { originEpoch, originStart } of this.runs)
      if (epochs.at(-1)?.epoch !== originEpoch) epochs.push({ epoch: originEpoch, startOffset: originStart });
    return epochs;
  }

  /** The copy as it is now: where its log begins, where the last record that is no marker ends, and the log. */
  between(logStart: number, dataEnd: number, logEnd = dataEnd): OffsetMap {
    const coordinates = this.coordinates(logStart, dataEnd);
    const { origin, local } = coordinates;
    return {
      toLocal: (offset, epoch) => localOf(coordinates, offset, epoch),
      // Behind the data lie markers only: who stands there has read all that was copied.
      toOrigin: (offset) =>
        offset > local.end && offset <= logEnd
          ? { status: 'exact', offset: origin.end }
          : originOf(coordinates, offset),
    };
  }

  private coordinates(logStart: number, dataEnd: number): Coordinates {
    const { runs, lost } = this;
    const origin = { start: 0, end: 0 };
    const local = { start: logStart, end: Math.max(dataEnd, logStart) };
    const { at, after } = runs.around('localStart', dataEnd - 1);
    if (at !== undefined) origin.end = at.originStart + countOf(at, after, dataEnd);
    const ended = lost.list.findLast(({ from }) => after === undefined || from < after.originStart);
    if (ended !== undefined) origin.end = Math.max(origin.end, ended.to + 1);
    // Runs are written ahead: what lies before the next one is known to be nothing only once the data has come so far.
    if (after !== undefined && hasLanded(at, after, dataEnd)) origin.end = Math.max(origin.end, after.originStart);
    else if (after !== undefined) return this.started({ runs, lost, origin, local });
    else if (this.skipped !== undefined && this.skipped.originEnd > origin.end) {
      origin.end = this.skipped.originEnd;
      local.end = Math.max(local.end, this.skipped.localEnd);
    }
    return this.started({ runs, lost, origin, local });
  }

  private started(coordinates: Coordinates): Coordinates {
    const { origin } = coordinates;
    return { ...coordinates, origin: { end: origin.end, start: Math.min(origin.end, this.originStart(coordinates)) } };
  }

  /** Nothing was deleted below the first run as long as the copy's log begins at 0. */
  private originStart(coordinates: Coordinates): number {
    const { first } = this.runs;
    if (coordinates.local.start === 0) return 0;
    if (first === undefined) return coordinates.origin.end;
    if (coordinates.local.start <= first.localStart) return first.originStart;
    const found = originOf(coordinates, coordinates.local.start);
    return found.status === 'exact' ? found.offset : coordinates.origin.end;
  }

  /** Tenures are few; the newest is the one that is wanted. */
  private markOf(tenure: Tenure): number {
    const known = this.tenures.findLastIndex(
      (each) =>
        each.producerId === tenure.producerId &&
        each.producerEpoch === tenure.producerEpoch &&
        each.localStart === tenure.localStart,
    );
    return known >= 0 ? known : this.tenures.push(tenure) - 1;
  }
}

/** All of a run that another one follows: a closed one says how long it is, an open one goes up to the next. */
function hasLanded(at: MarkedRun | undefined, after: MarkedRun, dataEnd: number): boolean {
  if (at === undefined) return true;
  return dataEnd >= (at.count > 0 ? at.localStart + at.count : after.localStart);
}

const plain = ({ originEpoch, originStart, localStart, count }: Run): Run => ({
  originEpoch,
  originStart,
  localStart,
  count,
});

/**
 * Finds out, after a fence, what of the runs that were written ahead has landed. The task calls it with all that is
 * stored and the last data batch of the copy. Invariant: what it keeps is exactly what lies in the log, or it says why
 * nobody can know.
 *
 *   a run that begins at or behind the end of the data   was written ahead and never landed: dropped
 *   the last run that begins before it                   ends there
 *   every other                                          ends where the next of its tenure begins, or as stored
 *   how far nothing came behind them, what was lost      holds unless the data ends before the place where it was told
 */
import { isOfTenure, type RunChange, type StoredRun, type StoredRuns } from '@meridian/coordinates';
import type { Found } from './rebased-messages.ts';

export type Recovery =
  | { readonly isExact: true; readonly stored: StoredRuns<StoredRun>; readonly changes: readonly RunChange[] }
  | { readonly isExact: false; readonly reason: string };

export function recoverRuns(found: Found): Recovery {
  const stored = found.runs.toSorted((a, b) => a.localStart - b.localStart);
  const dataEnd = found.lastBatch?.nextOffset ?? found.logStart;
  const landed = stored.filter((run) => run.localStart < dataEnd);
  const drops = stored.slice(landed.length).map(({ localStart }) => ({ type: 'drop', localStart }) as const);
  const doubt = doubtOf(found, landed);
  if (doubt !== null) return { isExact: false, reason: doubt };
  const runs: StoredRun[] = [];
  for (const [index, run] of landed.entries()) {
    const count = landedCount(run, landed[index + 1], dataEnd);
    if (count === undefined) return inexact(`the run at ${run.localStart} is open, but the next is not its tenure's`);
    const last = runs.at(-1);
    if (last !== undefined && !follows(last, run)) return inexact(`the run at ${run.localStart} overlaps another`);
    runs.push({ ...run, count });
  }
  const last = runs.at(-1);
  const isNews = last !== undefined && last.count !== landed.at(-1)!.count;
  const behind = behindOf(found, last);
  return {
    isExact: true,
    stored: { runs, ...behind.kept },
    changes: [...drops, ...behind.drops, ...(isNews ? [{ type: 'put', run: last } as const] : [])],
  };
}

/** What was told of the origin behind the last run, if that run goes as far as it did then. */
function behindOf({ lost, skipped }: Found, last: StoredRun | undefined) {
  const localEnd = last === undefined ? 0 : last.localStart + last.count;
  const originEnd = last === undefined ? 0 : last.originStart + last.count;
  const isCut = skipped !== null && skipped.localEnd > localEnd;
  const end = Math.max(originEnd, isCut ? 0 : (skipped?.originEnd ?? 0));
  const gone = lost.filter(({ to }) => to >= end);
  const drops: RunChange[] = gone.map(({ from }) => ({ type: 'dropLost', from }));
  if (isCut) drops.push({ type: 'dropSkipped' });
  return {
    kept: { lost: lost.filter(({ to }) => to < end), skipped: isCut ? undefined : (skipped ?? undefined) },
    drops,
  };
}

/** The log must end with what the table says, written by us, at the place that its sequence tells. */
function doubtOf({ lastBatch, logStart }: Found, landed: readonly StoredRun[]): string | null {
  const last = landed.at(-1);
  if (lastBatch === null) {
    if (last === undefined || last.count > 0) return null;
    return `nothing is left of the copy below ${logStart}, where the run at ${last.localStart} ended is not known`;
  }
  if (last === undefined) return `the copy has records up to ${lastBatch.nextOffset - 1} that are not of this mirror`;
  const isOurs = isOfTenure(last.tenure, lastBatch);
  const isBehind = last.count > 0 && last.localStart + last.count < lastBatch.nextOffset;
  if (isOurs && !isBehind) return null;
  return `somebody else has written to the copy: its batch at ${lastBatch.baseOffset} is not where ours would be`;
}

function landedCount(run: StoredRun, next: StoredRun | undefined, dataEnd: number): number | undefined {
  if (next === undefined)
    return run.count > 0 ? Math.min(run.count, dataEnd - run.localStart) : dataEnd - run.localStart;
  if (run.count > 0) return run.count;
  return isSameTenure(run, next) ? next.localStart - run.localStart : undefined;
}

function isSameTenure(a: StoredRun, b: StoredRun): boolean {
  return a.tenure.producerId === b.tenure.producerId && a.tenure.localStart === b.tenure.localStart;
}

function follows(last: StoredRun, run: StoredRun): boolean {
  const isBehind = run.localStart >= last.localStart + last.count && run.originStart >= last.originStart + last.count;
  return isBehind && run.originEpoch >= last.originEpoch;
}

const inexact = (reason: string): Recovery => ({ isExact: false, reason: `__meridian_runs: ${reason}` });

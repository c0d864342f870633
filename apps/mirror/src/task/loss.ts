/**
 * What is lost between the origin's log and the copy: what both sides say of themselves, judged. Called by the place
 * of a partition, and by re-based tasks. Pure.
 * Invariant: a range is told as lost only if the origin itself says that it does not have it (any more).
 */
import type { LostRange } from '../gaps/gap-record.ts';

const shown = (offset: number): string => offset.toLocaleString('en');

/** The origin begins behind what the copy wants next. */
export function overrun(wanted: number, sourceStart: number, lastEpoch: number): LostRange | undefined {
  if (sourceStart <= wanted) return undefined;
  const reason = `source retention passed us, ${shown(wanted)}..${shown(sourceStart - 1)} lost`;
  return { kind: 'retention', from: wanted, to: sourceStart, epochBefore: lastEpoch, epochAfter: -1, reason };
}

/** A copy of which no epoch is known (it has no record) is longer than its origin. */
export function shortened(copyEnd: number, sourceEnd: number): LostRange | undefined {
  if (copyEnd <= sourceEnd) return undefined;
  return {
    kind: 'unclean',
    from: sourceEnd,
    to: copyEnd,
    epochBefore: -1,
    epochAfter: -1,
    reason: `the origin ends at ${sourceEnd}, our copy at ${copyEnd}`,
  };
}

/** The origin's answer for the epoch of our last record. */
export interface Proof {
  readonly epoch: number;
  readonly endOffset: number;
}

/** Ours is the origin's log if it knows our last epoch and that goes at least as far there. */
export function divergence(copyEnd: number, lastEpoch: number, { epoch, endOffset }: Proof): LostRange | undefined {
  if (epoch < lastEpoch) {
    const known = epoch < 0 ? 'knows no such epoch' : `goes from epoch ${epoch} on at ${endOffset}`;
    const reason = `diverged: our copy has records of epoch ${lastEpoch}, the origin ${known}`;
    return unclean(Math.min(Math.max(0, endOffset), copyEnd), copyEnd, lastEpoch, epoch, reason);
  }
  if (endOffset >= copyEnd) return undefined;
  const differs = `${endOffset}..${copyEnd - 1} here differ`;
  const reason = `diverged: epoch ${epoch} ends at ${endOffset} at the origin, ${differs}`;
  return unclean(endOffset, copyEnd, lastEpoch, epoch, reason);
}

export function unclean(from: number, to: number, epochBefore: number, epochAfter: number, reason: string): LostRange {
  return { kind: 'unclean', from, to, epochBefore, epochAfter, reason };
}

/** The name means another topic now: what of the old one had not come is gone. */
export function recreated(copyEnd: number, sourceEnd: number, lastEpoch: number, reason: string): LostRange {
  const from = Math.max(0, copyEnd);
  return {
    kind: 'recreated',
    from,
    to: Math.max(from, sourceEnd),
    epochBefore: lastEpoch,
    epochAfter: -1,
    reason,
  };
}

/**
 * Whether our place at the origin still holds: what a re-based task asks after it has recovered and whenever the origin
 * has another leader. Pure; a reason is for people and names the offsets. Invariant: null only if nothing is lost.
 */
import type { Run } from '@meridian/coordinates';
import type { Segment } from './rebased-messages.ts';

/** Ours is the origin's log if the epoch of our last record is known there and goes at least as far as that. */
export function divergenceOf(last: Run, epoch: number, endOffset: number): string | null {
  const dataEnd = last.originStart + last.count;
  if (epoch < last.originEpoch) {
    const known = epoch < 0 ? 'knows no such epoch' : `goes from epoch ${epoch} on at ${endOffset}`;
    return `diverged: our copy has records of epoch ${last.originEpoch}, the origin ${known}`;
  }
  if (endOffset >= dataEnd) return null;
  return `diverged: epoch ${epoch} ends at ${endOffset} at the origin, ${endOffset}..${dataEnd - 1} here differ`;
}

export function lossOf(originEnd: number, sourceStart: number): string | null {
  if (sourceStart <= originEnd) return null;
  const lost = `${originEnd.toLocaleString('en')}..${(sourceStart - 1).toLocaleString('en')} lost`;
  return `source retention passed us, ${lost}`;
}

/** What of a segment lies at or behind an origin offset. */
export function behind({ originStart, count }: Segment, offset: number): Segment[] {
  const from = Math.max(originStart, offset);
  const left = originStart + count - from;
  return left > 0 ? [{ originStart: from, count: left }] : [];
}

/**
 * How old a partition's lag is: for how long the mirror has known of an offset that has not arrived. Measured on our
 * own clock, since timestamps in records are whatever their producers say.
 * Invariant: bounded; when marks run short, the age is told too old rather than too young.
 */
import type { MirrorLimits } from '../limits.ts';

interface Mark {
  end: number;
  readonly sinceMs: number;
}

export class LagClock {
  private readonly limits: Pick<MirrorLimits, 'lagMarks' | 'lagMarkEveryMs'>;
  private marks: Mark[] = [];

  constructor(limits: Pick<MirrorLimits, 'lagMarks' | 'lagMarkEveryMs'>) {
    this.limits = limits;
  }

  /** The origin's log was found to end at `end`. */
  observe(end: number, position: number, nowMs: number): void {
    this.arrive(position);
    const last = this.marks.at(-1);
    if (end <= position || (last !== undefined && end <= last.end)) return;
    const isFull = this.marks.length >= this.limits.lagMarks;
    if (last !== undefined && (isFull || nowMs - last.sinceMs < this.limits.lagMarkEveryMs)) last.end = end;
    else this.marks.push({ end, sinceMs: nowMs });
  }

  /** Everything below `position` has arrived. */
  arrive(position: number): void {
    while (this.marks.length > 0 && this.marks[0]!.end <= position) this.marks.shift();
  }

  lagMs(nowMs: number): number {
    const oldest = this.marks[0];
    return oldest === undefined ? 0 : Math.max(0, nowMs - oldest.sinceMs);
  }
}

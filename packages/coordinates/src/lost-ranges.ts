/**
 * Ranges of origin offsets that were lost before they were copied, in their order. Kept by `RunTable`, and by views of
 * copies that have their origin's offsets. Invariant: ranges ascend and do not overlap, so a lookup is a binary search.
 */
import type { LostRange } from './run-table.ts';

export class LostRanges {
  private ranges: LostRange[] = [];

  get list(): readonly LostRange[] {
    return this.ranges;
  }

  add(range: LostRange): void {
    this.ranges.push(range);
  }

  /** Adds one wherever it belongs, in the place of one that begins there. */
  put(range: LostRange): void {
    this.remove(range.from);
    this.ranges.splice(this.endingBefore(range.from), 0, range);
  }

  remove(from: number): void {
    const index = this.endingBefore(from);
    if (this.ranges[index]?.from === from) this.ranges.splice(index, 1);
  }

  /** The range that the offset lies in. */
  at(originOffset: number): LostRange | undefined {
    const found = this.ranges[this.endingBefore(originOffset)];
    return found !== undefined && found.from <= originOffset ? found : undefined;
  }

  /** Forgets what lies at or behind the offset as a whole, or reaches it. */
  truncate(originEnd: number): void {
    this.ranges.length = this.endingBefore(originEnd);
  }

  /** Forgets what lies below the offset as a whole. */
  trim(originStart: number): void {
    this.ranges.splice(0, this.endingBefore(originStart));
  }

  private endingBefore(offset: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.to < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The segments of one log, ascending, at least one, the last of them active. Finds the segment for an offset, keeps the
 * number of loaded indexes small, and removes files. Invariant: each segment's offsets end where the next one begins,
 * or before.
 */
import type { Disk } from '@meridian/io';
import { MAX_LOADED_INDEXES } from './limits.ts';
import { Segment } from './segment.ts';

export class SegmentList {
  readonly folder: string;
  private readonly disk: Disk;
  private list: Segment[];
  /** Sealed segments whose indexes are in memory, least recently used first. */
  private loaded: Segment[] = [];
  constructor(disk: Disk, folder: string, segments: Segment[]) {
    this.disk = disk;
    this.folder = folder;
    this.list = segments;
  }

  get all(): readonly Segment[] {
    return this.list;
  }

  get active(): Segment {
    return this.list.at(-1)!;
  }

  get first(): Segment {
    return this.list[0]!;
  }

  get sizeInBytes(): number {
    let sum = 0;
    for (const segment of this.list) sum += segment.size;
    return sum;
  }

  /** Number of the last segment that begins at or before `offset`. */
  indexFor(offset: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.list[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** A new active segment. */
  create(baseOffset: number): Segment {
    const segment = new Segment(this.disk, this.folder, baseOffset, 'create');
    this.list.push(segment);
    return segment;
  }

  /** Notes that a reader needed this segment's indexes, and lets go of those that nobody needed for longest. */
  touch(segment: Segment): void {
    if (segment === this.active || this.loaded.at(-1) === segment) return;
    this.loaded = this.loaded.filter((each) => each !== segment && !each.removed);
    this.loaded.push(segment);
    while (this.loaded.length > MAX_LOADED_INDEXES) this.loaded.shift()!.unloadIndexes();
  }

  /** Removes the segments from number `index` on, newest first, so that no crash leaves a hole. */
  removeFrom(index: number): void {
    while (this.list.length > index) this.list.pop()!.remove();
  }

  /** Removes segments that end at or before `offset`, oldest first; the active one stays. Returns how many. */
  removeBelow(offset: number): number {
    let removed = 0;
    while (this.list.length > 1 && this.list[1]!.baseOffset <= offset) {
      this.list.shift()!.remove();
      removed += 1;
    }
    return removed;
  }

  close(): void {
    for (const segment of this.list) segment.close();
  }
}

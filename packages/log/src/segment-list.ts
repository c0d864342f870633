/**
 * The segments of one log, ascending, at least one, the last of them active. Finds the segment for an offset, keeps the
 * number of loaded indexes small, and removes files. Invariant: each segment's offsets end where the next one begins,
 * or before.
 */
import { type Disk, type Io, IoError, type Timer } from '@meridian/io';
import { MAX_LOADED_INDEXES } from './limits.ts';
import { Segment } from './segment.ts';

export class SegmentList {
  readonly folder: string;
  private readonly disk: Disk;
  private list: Segment[];
  /** Sealed segments whose indexes are in memory, least recently used first. */
  private loaded: Segment[] = [];
  private readonly io: Pick<Io, 'disk' | 'timers'>;
  /** Removals of retired files that are due later. */
  private readonly removals = new Set<Timer>();
  constructor(io: Pick<Io, 'disk' | 'timers'>, folder: string, segments: Segment[]) {
    this.io = io;
    this.disk = io.disk;
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

  /**
   * Removes the segments from number `index` on, newest first. No crash leaves a hole: they are not closed any more,
   * durably, before the first of them goes, so that one that comes back after a loss of power does not follow a gap.
   */
  removeFrom(index: number): void {
    for (const segment of this.list.slice(index)) segment.dropIndexFiles();
    this.disk.syncFolder(this.folder);
    while (this.list.length > index) {
      if (this.list.length === 1) this.disk.syncFolder(this.folder); // else one of the others would be the first
      this.list.pop()!.remove();
    }
  }

  /**
   * Drops segments that end at or before `offset`; the active one stays. Returns how many. One after another, each
   * durably, so that no power loss leaves a hole; their files are removed after `delayMs`.
   */
  dropBelow(offset: number, delayMs: number): number {
    const paths: string[] = [];
    let dropped = 0;
    while (this.list.length > 1 && this.list[1]!.baseOffset <= offset) {
      if (dropped === 0) this.disk.syncFolder(this.folder); // the active segment's name may be as new as this
      paths.push(...this.list.shift()!.retire());
      this.disk.syncFolder(this.folder);
      dropped += 1;
    }
    if (dropped > 0) this.removeLater(paths, delayMs);
    return dropped;
  }

  /** Puts what `install` returns in the place of neighbours, whose files keep `.deleted` names for `delayMs`. */
  exchange(group: readonly Segment[], delayMs: number, install: () => Segment): void {
    const at = this.list.indexOf(group[0]!);
    const paths = group.flatMap((segment, nth) => segment.retire(nth === 0));
    this.list.splice(at, group.length, install());
    this.removeLater(paths, delayMs);
  }

  private removeLater(paths: readonly string[], delayMs: number): void {
    const timer = this.io.timers.after(delayMs, () => {
      this.removals.delete(timer);
      try {
        for (const path of paths) if (this.disk.exists(path)) this.disk.remove(path);
      } catch (error) {
        if (!(error instanceof IoError)) throw error; // what is left is swept up by the next start
      }
    });
    this.removals.add(timer);
  }

  /** What is under way in any segment ends without writing: a deleted topic's folder may be given to another. */
  abandon(): void {
    for (const segment of this.list) segment.removed = true;
  }

  /** Files that wait for their removal are left to the next start. */
  close(): void {
    for (const timer of this.removals) timer.cancel();
    for (const segment of this.list) segment.close();
  }
}

/**
 * The one segment that a group of old ones becomes: written beside them under `.cleaned` names, made durable, and
 * exchanged for them so that a crash at any point leaves either all old segments or the new one (see
 * `interrupted-swap.ts` for the other half):
 *
 *   1. `.cleaned` files are written and fsynced
 *   2. renamed to `.swap`, folder fsynced          ← from here on the new segment counts
 *   3. the old ones get their `.deleted` names, folder fsynced
 *   4. `.swap` files get their final names, the log file last, folder fsynced
 *
 * 2 to 4 happen in one turn of the event loop, as reads do, so no reader sees a part of it.
 */
import type { Disk } from '@meridian/io';
import { readBatchHeader } from '@meridian/protocol/record-batch';
import type { LogConfig } from '../log-interface.ts';
import { Segment } from '../segment.ts';
import type { SegmentList } from '../segment-list.ts';

export const CLEANED_SUFFIX = '.cleaned';
export const SWAP_SUFFIX = '.swap';

export class CleanedSegment {
  private readonly disk: Disk;
  private readonly folder: string;
  private readonly indexIntervalBytes: number;
  private readonly segment: Segment;
  /** Offsets of markers that were kept: their entries in the transaction index stay. */
  private readonly markers = new Set<number>();
  private waiting: Uint8Array[] = [];
  private writtenBytes = 0;

  constructor(disk: Disk, folder: string, baseOffset: number, config: LogConfig) {
    this.disk = disk;
    this.folder = folder;
    this.indexIntervalBytes = config.indexIntervalBytes;
    this.segment = new Segment(disk, folder, baseOffset, 'create', CLEANED_SUFFIX);
  }

  get size(): number {
    return this.segment.size;
  }

  add(batch: Uint8Array): void {
    const header = readBatchHeader(batch);
    this.segment.note(header, this.segment.size, this.indexIntervalBytes);
    if (header.isControl && header.recordCount > 0) this.markers.add(header.lastOffset);
    this.waiting.push(batch);
  }

  write(): void {
    if (this.waiting.length > 0) this.segment.file.writev(this.waiting, this.writtenBytes);
    this.waiting = [];
    this.writtenBytes = this.segment.size;
  }

  /** Makes files and indexes durable; without its marker, an aborted transaction would never end for a reader. */
  async finish(group: readonly Segment[]): Promise<void> {
    this.write();
    for (const entry of group.flatMap((segment) => segment.transactions.entries(this.disk))) {
      if (this.markers.has(entry.lastOffset)) this.segment.transactions.append(entry, this.disk);
    }
    await this.segment.file.sync();
    await this.segment.seal();
  }

  discard(): void {
    this.segment.remove();
  }

  /** Exchanges the group for this segment. An error leaves the folder for recovery to put right. */
  swapIn(segments: SegmentList, group: readonly Segment[], deleteDelayMs: number): void {
    const { disk, folder, segment } = this;
    segment.close();
    const indexes = [segment.offsetIndex.path, segment.timeIndex.path, segment.transactions.path];
    const paths = [...indexes.filter((path) => disk.exists(path)), segment.file.path];
    const finalPaths = paths.map((path) => path.slice(0, -CLEANED_SUFFIX.length));
    for (const [index, path] of paths.entries()) disk.rename(path, finalPaths[index] + SWAP_SUFFIX);
    disk.syncFolder(folder);
    segments.exchange(group, deleteDelayMs, () => {
      disk.syncFolder(folder);
      for (const path of finalPaths) disk.rename(path + SWAP_SUFFIX, path);
      disk.syncFolder(folder);
      const final = new Segment(disk, folder, segment.baseOffset, 'open');
      final.takeBooks(segment);
      return final;
    });
  }
}

/**
 * Cuts a log at an offset: for a follower whose tail is not its leader's. Rare, so it is plain: the segment that is cut is
 * walked anew. The caller has lowered the recovery point, durably, before; a power loss in between then finds either the
 * old tail, fit to be cut again, or the cut.
 */
import type { Disk } from '@meridian/io';
import { scanBatches } from './batch-scan.ts';
import type { SegmentList } from './segment-list.ts';

/** Drops every batch that reaches `offset`; returns the log's new end. */
export function cutSegments(disk: Disk, segments: SegmentList, offset: number, indexIntervalBytes: number): number {
  const index = segments.indexFor(offset);
  const segment = segments.all[index]!;
  segment.dropIndexFiles(); // made durable with those of the later ones, before they go
  segments.removeFrom(index + 1);
  const size = segment.size;
  segment.rewind();
  const kept = scanBatches(segment.file, { from: 0, to: size }, false, (header, position) => {
    if (header.lastOffset >= offset) return 'behind the cut';
    segment.note(header, position, indexIntervalBytes);
    return undefined;
  });
  segment.transactions.truncate(segment.nextOffset, disk);
  segment.file.truncate(kept.end);
  segment.file.syncNow();
  return segment.nextOffset;
}

/**
 * Opens a segment without walking its batches, where nothing can have been lost: below the recovery point, or after a
 * clean stop. Called by recovery, which walks the segment after all when its files contradict one another.
 * Invariant: files that were cut, emptied, zeroed or left larger by a crash (Kafka allocates indexes in advance) are noticed.
 */
import type { Disk } from '@meridian/io';
import { scanBatches } from './batch-scan.ts';
import { offsetFileName } from './offset-file-name.ts';
import type { Segment } from './segment.ts';

export interface TrustedFiles {
  readonly disk: Disk;
  /** In the partition's folder. */
  readonly names: ReadonlySet<string>;
}

/** A segment that ends where the next one begins, or before. */
export function trustSealed(segment: Segment, nextOffset: number, { disk, names }: TrustedFiles): boolean {
  const size = segment.file.size();
  const span = nextOffset - segment.baseOffset;
  if (size === 0 || !hasIndexes(segment, names)) return false;
  const offsets = segment.offsetIndex.peek(disk);
  const times = segment.timeIndex.peek(disk);
  if (offsets === undefined || times === undefined) return false;
  if (offsets.count > 0 && !(offsets.key > 0 && offsets.key < span && offsets.value > 0 && offsets.value < size)) {
    return false;
  }
  // Every entry of the time index but the last was made beside one of the offset index.
  if (times.count === 0 || times.key <= 0 || times.value < 0 || times.value >= span) return false;
  if (times.count - 1 > offsets.count || !trustTransactions(segment, { disk, names })) return false;
  segment.size = size;
  segment.nextOffset = nextOffset;
  segment.maxTimestamp = times.key;
  segment.maxTimestampOffset = segment.baseOffset + times.value;
  segment.indexesLoaded = false;
  return true;
}

/** The last segment, whose batches bear no epoch beyond the latest that is known: what lies behind the last entry of its index is walked, headers only. */
export function trustActive(segment: Segment, files: TrustedFiles, latestEpoch: number): boolean {
  const size = segment.file.size();
  if (size === 0) return true;
  if (!hasIndexes(segment, files.names) || !trustTransactions(segment, files)) return false;
  const { offsetIndex, timeIndex } = segment;
  if (!offsetIndex.load(files.disk) || !timeIndex.load(files.disk)) return false;
  const from = offsetIndex.count === 0 ? 0 : offsetIndex.lastPosition;
  if (from < 0 || from >= size || (offsetIndex.count > 0 && from === 0)) return false;
  const last = timeIndex.last;
  // An entry of the offset index has one of the time index before or beside it, which the loss of power took.
  if (from > 0 && last === undefined) return false;
  segment.maxTimestamp = last?.timestamp ?? -1;
  segment.maxTimestampOffset = segment.baseOffset + (last?.relativeOffset ?? 0);
  const scan = scanBatches(segment.file, { from, to: size }, false, (header, position) => {
    if (header.baseOffset < segment.nextOffset) return 'out of order';
    if (header.partitionLeaderEpoch > latestEpoch) return 'the epochs are behind';
    segment.note(header, position, Number.POSITIVE_INFINITY);
    return undefined;
  });
  if (from > 0) segment.firstTimestamp = firstTimestamp(segment, size);
  return scan.damage === undefined;
}

function firstTimestamp(segment: Segment, size: number): number {
  let first = -1;
  scanBatches(segment.file, { from: 0, to: size }, false, (header) => {
    first = header.maxTimestamp;
    return 'that was all';
  });
  return first;
}

function hasIndexes({ baseOffset }: Segment, names: ReadonlySet<string>): boolean {
  return names.has(offsetFileName(baseOffset, 'index')) && names.has(offsetFileName(baseOffset, 'timeindex'));
}

function trustTransactions(segment: Segment, { disk, names }: TrustedFiles): boolean {
  segment.transactions.trust(names.has(offsetFileName(segment.baseOffset, 'txnindex')));
  segment.hasTransactions = true; // nobody has looked
  return segment.transactions.isSound(disk);
}

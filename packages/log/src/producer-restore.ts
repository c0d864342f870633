/**
 * Brings the producer table to an offset: by the newest snapshot that can be believed, and the batches behind it.
 * Called when a log is opened and after it was cut; writes the snapshots, and keeps their files tidy as well.
 * Invariant: no snapshot stays that lies beyond the log's end, as another batch may come to lie there.
 */
import type { Disk } from '@meridian/io';
import { scanBatches } from './batch-scan.ts';
import { PRODUCER_BATCHES_FILE, readProducerBatches, writeProducerBatches } from './producer-batches.ts';
import { newestSnapshot, readSnapshot, removeSnapshot, snapshotOffsets, writeSnapshot } from './producer-snapshot.ts';
import type { ProducerTable } from './producer-state.ts';
import type { Segment } from './segment.ts';

export interface RestoreInput {
  readonly disk: Disk;
  readonly folder: string;
  /** Of the folder. */
  readonly names: readonly string[];
  readonly producers: ProducerTable;
}

/** Returns the offset of the snapshot that was used; −1 if there was none. */
export function restoreProducers(input: RestoreInput, segments: readonly Segment[], upTo: number): number {
  const { disk, folder, names, producers } = input;
  const snapshot = newestSnapshot(disk, folder, snapshotOffsets(names), upTo);
  const hasMore = snapshot !== undefined && names.includes(PRODUCER_BATCHES_FILE);
  producers.restore(
    snapshot?.entries ?? [],
    hasMore ? () => readProducerBatches(disk, folder, snapshot.offset) : undefined,
  );
  const from = snapshot?.offset ?? 0;
  for (const segment of segments) {
    if (segment.nextOffset <= from || segment.baseOffset >= upTo || segment.size === 0) continue;
    scanBatches(segment.file, { from: 0, to: segment.size }, false, (header, _position, bytesOf) => {
      if (header.baseOffset >= upTo) return 'far enough';
      if (header.baseOffset >= from) producers.update(header, bytesOf);
      return undefined;
    });
  }
  return snapshot?.offset ?? -1;
}

/** Writes down what is known at `offset`, the end of the log, so that a restart begins with it. */
export function saveProducers(disk: Disk, folder: string, offset: number, producers: ProducerTable): void {
  const earlier = producers.earlier(); // before the file that they may come from is written over
  writeSnapshot(disk, folder, offset, producers.snapshot());
  writeProducerBatches(disk, folder, offset, earlier);
}

/**
 * Removes what lies beyond the end, what belongs to no segment but the newest, and, at `suspectFrom` or behind, what cannot
 * be believed.
 */
export function tidySnapshots(
  input: RestoreInput,
  segments: readonly Segment[],
  end: number,
  suspectFrom = Number.POSITIVE_INFINITY,
): void {
  const { disk, folder, names } = input;
  const all = snapshotOffsets(names);
  const offsets = all.filter((offset) => offset < suspectFrom || readSnapshot(disk, folder, offset) !== undefined);
  const newest = offsets.findLast((offset) => offset <= end);
  const bases = new Set(segments.map((segment) => segment.baseOffset));
  const kept = offsets.filter((offset) => offset === newest || (offset <= end && bases.has(offset)));
  const gone = all.filter((offset) => !kept.includes(offset));
  for (const offset of gone) removeSnapshot(disk, folder, offset);
}

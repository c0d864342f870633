/**
 * Opens a partition's folder: claims it for its topic, recovers the segments and puts the log together. Called by
 * whoever owns partitions; synchronous, as a broker opens its partitions before it serves anybody.
 */

import { dirname } from 'node:path';
import type { Io } from '@meridian/io';
import { EpochList, OriginEpochList } from './epoch-list.ts';
import { LogError } from './errors.ts';
import { DEFAULT_CONFIG, DEFAULT_LIMITS, DEFAULT_TAIL_BUDGET_BYTES } from './limits.ts';
import type { Log, OpenLogOptions } from './log-interface.ts';
import { folderMarks } from './log-marks.ts';
import { PartitionLog } from './partition-log.ts';
import { claimFolder } from './partition-metadata.ts';
import { ProducerTable } from './producer-state.ts';
import { recoverSegments } from './recovery.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { createTailBudget } from './tail-budget.ts';

export function openLog(options: OpenLogOptions): Log {
  const { folder } = options;
  const io = withPool(options);
  const disk = io.disk;
  const config = { ...DEFAULT_CONFIG, ...options.config };
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const isNew = makeFolder(options);
  const store = options.marks ?? folderMarks(disk, folder);
  // What is known by this name is another log's, whose folder was renamed before the crash.
  if (isNew) {
    store.write({ recoveryPoint: 0, startOffset: 0 });
    store.noteHighWatermark(0);
  }
  const { wasClean } = store;
  const { startOffset, ...stored } = store.read();
  const marks = { startOffset, recoveryPoint: wasClean ? Number.MAX_SAFE_INTEGER : stored.recoveryPoint };
  let opened: PartitionLog | undefined;
  const end = () => opened?.endOffset ?? Number.MAX_SAFE_INTEGER;
  const epochs = new EpochList(disk, `${folder}/leader-epoch-checkpoint`, end);
  const originEpochs = new OriginEpochList(disk, `${folder}/origin-epoch-checkpoint`, end);
  const mayTrust = loadOrRebuild(epochs, wasClean);
  epochs.truncateFromEnd(marks.recoveryPoint); // from there on the batches themselves tell
  originEpochs.load(wasClean);
  const producers = new ProducerTable(limits.producers);
  const { segments, damage, snapshotOffset } = recoverSegments({
    disk,
    folder,
    ...marks,
    indexIntervalBytes: config.indexIntervalBytes,
    epochs,
    producers,
    wasClean,
    isNew,
    mayTrust,
  });
  startOver(segments, marks.startOffset);
  const isEmpty = segments.length === 0;
  if (isEmpty) segments.push(new Segment(disk, folder, marks.startOffset, 'create'));
  opened = new PartitionLog({
    io,
    config,
    limits,
    segments: new SegmentList(io, folder, segments),
    tailBudget: options.tailBudget ?? createTailBudget(DEFAULT_TAIL_BUDGET_BYTES),
    epochs,
    originEpochs,
    producers,
    marks,
    store,
    snapshotOffset,
    damage,
    showsDurableOnly: options.showsDurableOnly ?? false,
    // A recovery point inside the last segment was written down after the names had been synced.
    areNamesDurable: wasClean && !isEmpty && damage === undefined && stored.recoveryPoint > segments.at(-1)!.baseOffset,
    syncParent: options.syncParent ?? (() => disk.syncFolderAsync(dirname(folder))),
  });
  return opened;
}

/** The same world, but segment files are opened by way of the pool. */
function withPool({ io, filePool }: OpenLogOptions): Io {
  if (filePool === undefined) return io;
  const { clock, timers, random, net, memory, zstd } = io;
  return { clock, timers, random, net, memory, zstd, disk: filePool.over(io.disk) };
}

/** Whether it was missing. The name is durable at once, or with the first fsync of the batches where many logs share a folder. */
function makeFolder({ io, folder, topicId, syncParent }: OpenLogOptions): boolean {
  const isNew = !io.disk.exists(folder);
  if (isNew) {
    io.disk.makeFolder(folder);
    if (syncParent === undefined) io.disk.syncFolder(dirname(folder));
  }
  if (topicId !== undefined) claimFolder(io.disk, folder, topicId);
  return isNew;
}

/** A log that ends before it begins was being emptied, to go on at its start: nothing in it counts. */
function startOver(segments: Segment[], startOffset: number): void {
  if (segments.length === 0 || segments.at(-1)!.nextOffset >= startOffset) return;
  while (segments.length > 0) segments.pop()!.remove();
}

/** False if there is no such file, or it cannot be read: leader epochs stand in the batches too, and a walk tells. */
function loadOrRebuild(epochs: EpochList, isDurable: boolean): boolean {
  try {
    return epochs.load(isDurable);
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'corrupt-checkpoint') throw error;
    return false;
  }
}

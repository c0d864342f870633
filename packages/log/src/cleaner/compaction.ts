/**
 * Compacts one log while it is used: finds the newest offset of every key in the dirty part, then writes each group of
 * segments anew without what is superseded, and exchanges it. Made by the log, run by the broker's cleaner.
 * Invariant: the active segment, and whatever is not durable, is never touched; offsets, order and the newest record of
 * every key stay; between two slices anything may happen to the log, so a group is exchanged only if it is as it was.
 */
import { type Io, IoError } from '@meridian/io';
import { decompress } from '@meridian/protocol';
import { type BatchHeader, retainRecords } from '@meridian/protocol/record-batch';
import { LogError } from '../errors.ts';
import type { LogConfig, ProducerState } from '../log-interface.ts';
import type { Segment } from '../segment.ts';
import type { SegmentList } from '../segment-list.ts';
import { BatchFilter, type LastBatch } from './batch-filter.ts';
import { assessDirt, groupSegments } from './cleanable-range.ts';
import { CleanedSegment } from './cleaned-segment.ts';
import { DEFAULT_BYTES_PER_SECOND, DEFAULT_MAP_BYTES, DEFAULT_MAP_LOAD_FACTOR } from './limits.ts';
import { OffsetMap } from './offset-map.ts';
import { Pace } from './pace.ts';
import type { Compaction, CompactionPolicy, CompactionResult, Dirtiness } from './policy.ts';
import { visitSegment } from './segment-batches.ts';
import { type AbortedTransaction, TransactionFates, TransactionScan } from './transaction-fates.ts';

/** What the log lends. */
export interface CompactedLog {
  readonly io: Pick<Io, 'clock' | 'disk' | 'timers'>;
  readonly segments: SegmentList;
  readonly producers: ProducerState;
  /** `durableEnd`: as its own restart would find it. */
  state(): {
    readonly isOpen: boolean;
    readonly startOffset: number;
    readonly durableEnd: number;
    readonly config: LogConfig;
  };
  /** Takes the log offline. */
  fail(error: IoError): void;
  /** Makes `durableEnd` known to the next start: it forgives gaps below. */
  writeMarks(): void;
}

export class LogCompaction implements Compaction {
  cleanedEnd = 0;
  isRunning = false;
  private readonly log: CompactedLog;
  /** The log was cut since the run began: what was read of it may not be there any more. */
  private isCut = false;
  constructor(log: CompactedLog) {
    this.log = log;
  }

  assess(policy: CompactionPolicy): Dirtiness {
    return assessDirt(this.log.segments.all, { ...this.log.state(), cleanedEnd: this.cleanedEnd }, policy);
  }

  async run(policy: CompactionPolicy): Promise<CompactionResult> {
    if (this.isRunning) throw new LogError('closed', `${this.log.segments.folder} is being compacted`);
    this.isRunning = true;
    this.isCut = false;
    try {
      return await this.compact(policy);
    } catch (error) {
      // A log that is closed or deleted meanwhile takes its files away from us.
      if (this.log.state().isOpen || !(error instanceof IoError)) throw error;
      return { cleanedEnd: this.cleanedEnd, bytesBefore: 0, bytesAfter: 0, isComplete: false };
    } finally {
      this.isRunning = false;
    }
  }

  /** The log was cut: what comes behind is new. */
  truncated(endOffset: number): void {
    this.cleanedEnd = Math.min(this.cleanedEnd, endOffset);
    this.isCut = true;
  }

  private async compact(policy: CompactionPolicy): Promise<CompactionResult> {
    const dirt = this.assess(policy);
    const pace = new Pace(this.log.io, policy.bytesPerSecond ?? DEFAULT_BYTES_PER_SECOND, policy.sliceBytes);
    const sealed = this.log.segments.all.slice(0, -1);
    const scan = await this.scanTransactions(sealed, dirt.firstUncleanableOffset, pace);
    const limit = Math.min(dirt.firstUncleanableOffset, scan.firstUndecidedOffset);
    const { mapBytes = DEFAULT_MAP_BYTES, mapLoadFactor = DEFAULT_MAP_LOAD_FACTOR } = policy;
    const map = new OffsetMap(limit - dirt.firstDirtyOffset, mapBytes, mapLoadFactor);
    await this.fillMap(map, sealed, { from: dirt.firstDirtyOffset, to: limit }, scan.aborted, pace);
    const end = map.latestOffset + 1;
    const result = { cleanedEnd: this.cleanedEnd, bytesBefore: 0, bytesAfter: 0, isComplete: true };
    if (!this.isAsRead) return { ...result, isComplete: false };
    if (end <= dirt.firstDirtyOffset) return result;
    const filter = this.filter(map, scan.aborted, policy);
    for (const group of groupSegments(this.log.segments.all, end, this.log.state().config)) {
      const bytesAfter = await this.compactGroup(group, filter, pace);
      if (bytesAfter === undefined) return { ...result, isComplete: false };
      result.bytesBefore += group.reduce((sum, segment) => sum + segment.size, 0);
      result.bytesAfter += bytesAfter;
    }
    this.cleanedEnd = end;
    return { ...result, cleanedEnd: end };
  }

  private async scanTransactions(segments: readonly Segment[], to: number, pace: Pace): Promise<TransactionScan> {
    const scan = new TransactionScan();
    for (const segment of segments) {
      if (!segment.hasTransactions || segment.baseOffset >= to) continue;
      await visitSegment(segment, pace, {
        batch: (bytes, header) => {
          scan.visit(bytes, header);
          return true;
        },
        goOn: () => this.isThere(segment),
      });
    }
    return scan;
  }

  /** `latestOffset` says how far it came: a full map, or a log that changes, ends it early. */
  private async fillMap(
    map: OffsetMap,
    segments: readonly Segment[],
    range: { from: number; to: number },
    aborted: readonly AbortedTransaction[],
    pace: Pace,
  ): Promise<void> {
    const fates = new TransactionFates(aborted, range.from);
    let goesOn = true;
    for (const segment of segments) {
      if (segment.nextOffset <= range.from || !goesOn) continue;
      if (segment.baseOffset >= range.to) break;
      await visitSegment(segment, pace, {
        batch: (bytes, header) => {
          if (header.nextOffset <= range.from) return true;
          if (header.baseOffset >= range.to) return false;
          const isOfNoUse = fates.mayDiscard(bytes, header) || header.isControl;
          goesOn = isOfNoUse ? noteOffset(map, header) : putKeys(map, bytes, header, range.from);
          return goesOn;
        },
        goOn: () => {
          goesOn &&= this.isThere(segment);
          return goesOn;
        },
      });
    }
    // Offsets behind the last batch are compacted away already, or were never used.
    if (goesOn) map.latestOffset = Math.max(map.latestOffset, range.to - 1);
  }

  private filter(map: OffsetMap, aborted: readonly AbortedTransaction[], policy: CompactionPolicy): BatchFilter {
    const lastBatches = new Map<number, LastBatch>();
    for (const producer of this.log.producers.active()) lastBatches.set(producer.producerId, producer);
    const fates = new TransactionFates(aborted, 0);
    return new BatchFilter({ map, fates, lastBatches, ...policy });
  }

  /** Size of what the group has become; undefined if the log has changed under it. */
  private async compactGroup(group: readonly Segment[], filter: BatchFilter, pace: Pace): Promise<number | undefined> {
    const { io, segments } = this.log;
    if (!this.areThere(group)) return undefined;
    const cleaned = new CleanedSegment(io.disk, segments.folder, group[0]!.baseOffset, this.log.state().config);
    let isChanged = group.length > 1;
    try {
      for (const segment of group) isChanged = (await this.copy(segment, cleaned, filter, pace)) || isChanged;
      if (isChanged && this.areThere(group)) await cleaned.finish(group);
    } catch (error) {
      this.discard(cleaned);
      throw error;
    }
    const isAsItWas = this.areThere(group);
    if (!isAsItWas || !isChanged) this.discard(cleaned);
    if (!isAsItWas) return undefined;
    if (isChanged) this.swap(cleaned, group);
    return cleaned.size;
  }

  /** Whether anything was left out or changed. */
  private async copy(segment: Segment, cleaned: CleanedSegment, filter: BatchFilter, pace: Pace): Promise<boolean> {
    let isChanged = false;
    await visitSegment(segment, pace, {
      batch: (bytes, header) => {
        const kept = filter.apply(bytes, header);
        if (kept !== bytes) isChanged = true;
        if (kept === undefined) return true;
        cleaned.add(kept);
        pace.spend(kept.length);
        return true;
      },
      chunkDone: () => cleaned.write(),
      goOn: () => this.isThere(segment),
    });
    return isChanged;
  }

  private swap(cleaned: CleanedSegment, group: readonly Segment[]): void {
    try {
      this.log.writeMarks();
      cleaned.swapIn(this.log.segments, group, this.log.state().config.fileDeleteDelayMs);
    } catch (error) {
      if (error instanceof IoError) this.log.fail(error);
      throw error;
    }
  }

  /** What cannot be removed is swept up by the next start. */
  private discard(cleaned: CleanedSegment): void {
    try {
      cleaned.discard();
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
    }
  }

  private get isAsRead(): boolean {
    return this.log.state().isOpen && !this.isCut;
  }

  private isThere(segment: Segment): boolean {
    return this.isAsRead && !segment.removed;
  }

  private areThere(group: readonly Segment[]): boolean {
    return group.every((segment) => this.isThere(segment));
  }
}

function noteOffset(map: OffsetMap, header: BatchHeader): boolean {
  map.latestOffset = header.lastOffset;
  return true;
}

/** False if the map has become full before the batch's end. */
function putKeys(map: OffsetMap, bytes: Uint8Array, header: BatchHeader, from: number): boolean {
  let isWhole = true;
  const put = (offset: number, key: Uint8Array | null): boolean => {
    if (offset < from || !isWhole) return false;
    if (map.isFull) isWhole = false;
    else {
      if (key !== null) map.put(key, offset);
      map.latestOffset = offset;
    }
    return false;
  };
  retainRecords(bytes, header, put, { decompress });
  return isWhole && noteOffset(map, header);
}

/**
 * A partition of the fake broker: batches in memory, leader epochs, append-at-offset. For tests.
 * Invariant: offsets ascend; a mirror append lands exactly where it says or not at all.
 */
import { ERROR } from '@meridian/protocol';
import {
  batchBaseOffset,
  batchLastOffset,
  batchProducerId,
  batchRecordCount,
  iterateBatches,
  stampBaseOffset,
  stampLeaderEpoch,
} from '@meridian/protocol/record-batch';
import type { MirrorAppend } from '../types.ts';

export interface AppendOutcome {
  readonly errorCode: number;
  readonly baseOffset: number;
}

const BASE_SEQUENCE_AT = 53;

export class FakePartition {
  batches: Buffer[] = [];
  startOffset = 0;
  endOffset = 0;
  leader = 1;
  leaderEpoch = 0;
  /** What a leader that has just come knows to be committed; undefined: all. */
  highWatermark: number | undefined;
  /** What ListOffsets and OffsetForLeaderEpoch are refused with. */
  lookUpError: number = ERROR.NONE;
  /** Own epochs, and those of the origin of a copy. */
  epochs: { epoch: number; startOffset: number }[] = [];
  originEpochs: { epoch: number; startOffset: number }[] = [];
  private readonly sequences = new Map<number, { next: number; seen: Map<number, number> }>();

  append(bytes: Buffer): AppendOutcome {
    const batch = Buffer.from(bytes);
    const producerId = batchProducerId(batch);
    const baseOffset = this.endOffset;
    if (producerId >= 0) {
      const known = this.sequences.get(producerId) ?? { next: 0, seen: new Map<number, number>() };
      this.sequences.set(producerId, known);
      const sequence = batch.readInt32BE(BASE_SEQUENCE_AT);
      const before = known.seen.get(sequence);
      if (before !== undefined) return { errorCode: ERROR.NONE, baseOffset: before };
      if (sequence !== known.next) return { errorCode: ERROR.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1 };
      known.next += batchRecordCount(batch);
      known.seen.set(sequence, baseOffset);
    }
    stampBaseOffset(batch, 0, baseOffset);
    this.store(batch);
    return { errorCode: ERROR.NONE, baseOffset };
  }

  appendMirrored(bytes: Buffer, mirror: MirrorAppend): number {
    if (mirror.expectedEnd !== this.endOffset) return ERROR.OFFSET_OUT_OF_RANGE;
    for (const { bytes: view, header } of iterateBatches(Buffer.from(bytes))) {
      if (header.baseOffset < this.endOffset) return ERROR.INVALID_RECORD;
      if (this.originEpochs.at(-1)?.epoch !== header.partitionLeaderEpoch) {
        this.originEpochs.push({ epoch: header.partitionLeaderEpoch, startOffset: header.baseOffset });
      }
      this.store(view as Buffer);
    }
    this.endOffset = Math.max(this.endOffset, mirror.endOffset ?? -1);
    return ERROR.NONE;
  }

  /** Another broker leads, with all that is in the log. */
  lead(nodeId: number): void {
    this.leader = nodeId;
    this.leaderEpoch++;
  }

  read(offset: number, maxBytes: number): Buffer[] {
    const found: Buffer[] = [];
    let size = 0;
    for (const batch of this.batches) {
      if (batchLastOffset(batch) < offset || batchLastOffset(batch) >= (this.highWatermark ?? this.endOffset)) continue;
      if (found.length > 0 && size + batch.length > maxBytes) break;
      size += batch.length;
      found.push(batch);
    }
    return found;
  }

  endOffsetFor(epoch: number): { epoch: number; endOffset: number } {
    const index = this.epochs.findLastIndex((entry) => entry.epoch <= epoch);
    const latest = this.epochs.at(-1);
    if (index < 0 || latest === undefined || epoch > Math.max(latest.epoch, this.leaderEpoch)) {
      return { epoch: -1, endOffset: -1 };
    }
    return { epoch: this.epochs[index]!.epoch, endOffset: this.epochs[index + 1]?.startOffset ?? this.endOffset };
  }

  /** What an unclean stop does: the tail is gone. */
  truncateTo(offset: number): void {
    this.batches = this.batches.filter((batch) => batchBaseOffset(batch) < offset);
    this.endOffset = Math.min(offset, this.endOffset);
    this.epochs = this.epochs.filter((entry) => entry.startOffset < offset);
  }

  /** What retention does. */
  advanceStart(offset: number): void {
    this.startOffset = offset;
    this.endOffset = Math.max(this.endOffset, offset);
    this.batches = this.batches.filter((batch) => batchLastOffset(batch) >= offset);
  }

  /** What compaction does: the offsets are left empty. */
  compact(from: number, to: number): void {
    this.batches = this.batches.filter((batch) => batchBaseOffset(batch) < from || batchBaseOffset(batch) >= to);
  }

  private store(batch: Buffer): void {
    stampLeaderEpoch(batch, 0, this.leaderEpoch);
    if (this.epochs.at(-1)?.epoch !== this.leaderEpoch) {
      this.epochs.push({ epoch: this.leaderEpoch, startOffset: batchBaseOffset(batch) });
    }
    this.batches.push(batch);
    this.endOffset = batchLastOffset(batch) + 1;
  }
}

/**
 * Where batches lie until they have landed in an Apache Kafka, and where several become one. One per mirrored partition,
 * made by its shell. Invariant: a merged batch takes memory that is used again, no more than it was allowed.
 */
import type { Memory } from '@meridian/io';
import { compress, decompress, nativeCrc32c } from '@meridian/protocol';
import { mergeBatches } from '@meridian/protocol/record-batch';
import type { MirrorLimits } from '../limits.ts';
import type { BatchMemory } from './planned-batch.ts';
import type { SourceBatch } from './rebased-messages.ts';

/** What a record grows by when its deltas are larger, as a rule: where it is more, fewer batches fit. */
const GROWTH_BYTES = 4;

export class BatchMerger implements BatchMemory {
  private readonly memory: Memory;
  private readonly limits: Pick<MirrorLimits, 'mergeUnpackedBytes'>;

  constructor(memory: Memory, limits: Pick<MirrorLimits, 'mergeUnpackedBytes'>) {
    this.memory = memory;
    this.limits = limits;
  }

  hold(bytes: Buffer): void {
    this.memory.hold(bytes);
  }

  release(bytes: Buffer): void {
    this.memory.release(bytes);
  }

  merge(batches: readonly SourceBatch[], maxBytes: number): { bytes: Buffer; count: number } | undefined {
    const out = this.memory.take(this.roomFor(batches, maxBytes));
    const parts = batches.map(({ bytes }) => bytes);
    const { parts: count, bytes } = mergeBatches(parts, out, { crc: nativeCrc32c, compress, decompress });
    return count < 2 ? undefined : { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), count };
  }

  /** What compressed batches take unpacked is not known before. */
  private roomFor(batches: readonly SourceBatch[], maxBytes: number): number {
    if (batches[0]!.mergesAs !== 'none') return Math.min(this.limits.mergeUnpackedBytes, maxBytes);
    let wanted = 0;
    for (const { sizeInBytes, baseOffset, nextOffset } of batches)
      wanted += sizeInBytes + (nextOffset - baseOffset) * GROWTH_BYTES;
    return Math.min(wanted, maxBytes);
  }
}

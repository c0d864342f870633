/**
 * Where batches lie until they have landed in an Apache Kafka, and where several become one. One per mirrored partition,
 * made by its shell. Invariant: a merged batch takes memory that is used again, no more than it was allowed.
 */
import type { Memory } from '@meridian/io';
import { nativeCrc32c } from '@meridian/protocol';
import { mergeBatches } from '@meridian/protocol/record-batch';
import type { BatchMemory } from './planned-batch.ts';
import type { SourceBatch } from './rebased-messages.ts';

/** What a record grows by when its deltas are larger, as a rule: where it is more, fewer batches fit. */
const GROWTH_BYTES = 4;

export class CopyMemory implements BatchMemory {
  private readonly memory: Memory;

  constructor(memory: Memory) {
    this.memory = memory;
  }

  hold(bytes: Buffer): void {
    this.memory.hold(bytes);
  }

  release(bytes: Buffer): void {
    this.memory.release(bytes);
  }

  merge(batches: readonly SourceBatch[], maxBytes: number): { bytes: Buffer; count: number } | undefined {
    let wanted = 0;
    for (const { sizeInBytes, baseOffset, nextOffset } of batches)
      wanted += sizeInBytes + (nextOffset - baseOffset) * GROWTH_BYTES;
    const out = this.memory.take(Math.min(wanted, maxBytes));
    const { parts: count, sizeInBytes } = mergeBatches(
      batches.map(({ bytes }) => bytes),
      out,
      nativeCrc32c,
    );
    return count < 2 ? undefined : { bytes: out.subarray(0, sizeInBytes), count };
  }
}

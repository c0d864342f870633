/**
 * The newest batches of a log, as the very buffers that were appended: what tail readers are served from without a
 * system call. Invariant: it holds a gapless run of batches up to the log end, and among them every batch that is not
 * written yet.
 */
import type { Memory } from '@meridian/io';
import { TAIL_ENTRY_BYTES, TAIL_MAX_BACKING_RATIO } from './limits.ts';
import type { TailBudget, TailHolder } from './tail-budget.ts';

interface TailEntry {
  /** Where the batch before ends: a gap belongs to the batch behind it. */
  readonly from: number;
  readonly nextOffset: number;
  readonly buffer: Buffer;
}

export class TailCache implements TailHolder {
  private readonly entries: TailEntry[] = [];
  /** Entries before it have been let go of; the array is compacted now and then. */
  private head = 0;
  private bytes = 0;
  /** Batches at or behind it cannot be let go of yet. */
  private writtenEnd = 0;
  private readonly maxBytes: number;
  private readonly budget: TailBudget;
  private readonly memory: Memory;
  constructor(maxBytes: number, budget: TailBudget, memory: Memory) {
    this.maxBytes = maxBytes;
    this.budget = budget;
    this.memory = memory;
  }

  /** Returns the bytes as it keeps them, and holds them until they are written and let go of. */
  push(from: number, nextOffset: number, batch: Buffer): Buffer {
    const buffer = ownMemory(batch);
    this.memory.hold(buffer);
    this.entries.push({ from, nextOffset, buffer });
    this.bytes += buffer.length + TAIL_ENTRY_BYTES;
    this.budget.take(this, buffer.length + TAIL_ENTRY_BYTES);
    if (this.bytes > this.maxBytes) this.shrinkTo(this.maxBytes);
    return buffer;
  }

  /** Everything below `writtenEnd` may be let go of. */
  written(writtenEnd: number): void {
    this.writtenEnd = writtenEnd;
    if (this.bytes > this.maxBytes) this.shrinkTo(this.maxBytes);
  }

  release(bytes: number): number {
    return this.shrinkTo(Math.max(0, this.bytes - bytes));
  }

  /** Index of the batch that contains `offset`, or of the first behind it; undefined if the cache begins later. */
  find(offset: number): number | undefined {
    const entries = this.entries;
    if (this.head === entries.length || offset < entries[this.head]!.from) return undefined;
    let low = this.head;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.nextOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  entry(index: number): TailEntry | undefined {
    return this.entries[index];
  }

  /** Forgets everything, for truncation: what is written can be read from disk. */
  clear(): void {
    this.budget.leave(this, this.bytes);
    for (let index = this.head; index < this.entries.length; index++) this.memory.release(this.entries[index]!.buffer);
    this.entries.length = 0;
    this.head = 0;
    this.bytes = 0;
  }

  /** Lets go of the oldest written batches until `target` bytes are left; returns what was given back. */
  private shrinkTo(target: number): number {
    const before = this.bytes;
    while (this.bytes > target && this.head < this.entries.length) {
      const oldest = this.entries[this.head]!;
      if (oldest.nextOffset > this.writtenEnd) break;
      this.bytes -= oldest.buffer.length + TAIL_ENTRY_BYTES;
      this.memory.release(oldest.buffer);
      this.entries[this.head++] = EMPTY;
    }
    if (this.head > 64 && this.head * 2 > this.entries.length) {
      this.entries.splice(0, this.head);
      this.head = 0;
    }
    this.budget.give(this, before - this.bytes);
    return before - this.bytes;
  }
}

const EMPTY: TailEntry = { from: -1, nextOffset: -1, buffer: Buffer.alloc(0) };

/** A small slice would hold on to the whole frame that it was cut from. */
function ownMemory(buffer: Buffer): Buffer {
  if (buffer.buffer.byteLength <= buffer.length * TAIL_MAX_BACKING_RATIO) return buffer;
  const own = Buffer.allocUnsafeSlow(buffer.length);
  buffer.copy(own);
  return own;
}

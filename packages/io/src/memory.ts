/**
 * The memory that both twins of the doorway hand out: blocks in sizes a quarter of a doubling apart, each with a count of
 * its holds. One per process. The simulated twin turns every block that comes back into garbage, so that whoever reads
 * what it does not hold is found out.
 *
 *     free ──take──▶ of this turn ──hold──▶ held ──last release──▶ of this turn ──its end──▶ free
 *
 * Invariant: a block is handed out again only in a later turn than the one in which somebody last could see it unheld.
 */
import type { Memory, Timers } from './io.ts';
import { MEMORY_IDLE_BYTES, MEMORY_LARGEST_BYTES } from './limits.ts';

export interface MemoryOptions {
  readonly timers: Pick<Timers, 'defer'>;
  readonly leastBytes: number;
  /** What comes back is overwritten with it. */
  readonly poison?: number | undefined;
}

interface Block {
  readonly bytes: Buffer;
  holds: number;
  /** Among those that become free at the end of the turn, unless somebody holds them by then. */
  isSettling: boolean;
  isFree: boolean;
}

export function createMemory(options: MemoryOptions): Memory {
  return new BlockMemory(options);
}

class BlockMemory implements Memory {
  readonly leastBytes: number;
  readonly #options: MemoryOptions;
  /** Weak, so that a block whose holders have forgotten it goes with them. */
  readonly #blocks = new WeakMap<ArrayBufferLike, Block>();
  /** By size; last the size of which one has come back last. */
  readonly #free = new Map<number, Block[]>();
  #latestSize = -1;
  #freeBytes = 0;
  #settling: Block[] = [];
  readonly #settle = (): void => this.#endTurn();

  constructor(options: MemoryOptions) {
    this.#options = options;
    this.leastBytes = options.leastBytes;
  }

  take(size: number): Buffer {
    if (size < this.leastBytes || size > MEMORY_LARGEST_BYTES) return Buffer.allocUnsafeSlow(size);
    const blockBytes = blockBytesFor(size);
    let block = this.#free.get(blockBytes)?.pop();
    if (block === undefined) {
      block = { bytes: Buffer.allocUnsafeSlow(blockBytes), holds: 0, isSettling: false, isFree: false };
      this.#blocks.set(block.bytes.buffer, block);
    } else {
      this.#freeBytes -= blockBytes;
      block.isFree = false;
    }
    this.#settleLater(block);
    return block.bytes.subarray(0, size);
  }

  hold(bytes: Uint8Array): void {
    const block = this.#blocks.get(bytes.buffer);
    if (block === undefined) return;
    if (block.isFree) throw new Error('memory that is free already cannot be held');
    block.holds++;
  }

  release(bytes: Uint8Array): void {
    const block = this.#blocks.get(bytes.buffer);
    if (block === undefined) return;
    if (block.holds === 0) throw new Error('memory is released that nobody holds');
    if (--block.holds === 0) this.#settleLater(block);
  }

  #settleLater(block: Block): void {
    if (block.isSettling) return;
    block.isSettling = true;
    if (this.#settling.length === 0) this.#options.timers.defer(this.#settle);
    this.#settling.push(block);
  }

  #endTurn(): void {
    const blocks = this.#settling;
    this.#settling = [];
    for (const block of blocks) {
      block.isSettling = false;
      if (block.holds === 0) this.#makeFree(block);
    }
  }

  #makeFree(block: Block): void {
    if (this.#options.poison !== undefined) block.bytes.fill(this.#options.poison);
    block.isFree = true;
    const size = block.bytes.length;
    const list = this.#free.get(size) ?? [];
    list.push(block);
    if (this.#latestSize !== size) {
      this.#free.delete(size);
      this.#free.set(size, list);
      this.#latestSize = size;
    }
    this.#freeBytes += size;
    if (this.#freeBytes > MEMORY_IDLE_BYTES) this.#drop();
  }

  /** Leaves to the collector what is too much, first of the size that came back least recently. */
  #drop(): void {
    for (const [size, list] of this.#free) {
      while (list.length > 0 && this.#freeBytes > MEMORY_IDLE_BYTES) {
        list.pop();
        this.#freeBytes -= size;
      }
      if (list.length > 0) return;
      this.#free.delete(size);
      if (this.#latestSize === size) this.#latestSize = -1;
    }
  }
}

/** The next larger of 4, 5, 6, 7 times a power of two. */
function blockBytesFor(size: number): number {
  const step = 2 ** Math.max(0, 29 - Math.clz32(size - 1));
  return Math.ceil(size / step) * step;
}

/**
 * The bytes that chunks for catching-up sessions may take, over all partitions: the oldest chunk goes first.
 * Invariant: what was evicted is only read again, never missed; a session that still delivers it keeps it alive.
 */
import { LIMITS } from '../limits.ts';
import type { Chunk } from './chunk.ts';

/** Rough size of a chunk with its JSON beside its batches. */
const SHOWN_FACTOR = 3;

export class ChunkCache {
  private readonly entries = new Map<Chunk, Map<number, Chunk>>();
  private bytes = 0;

  add(home: Map<number, Chunk>, chunk: Chunk): void {
    const replaced = home.get(chunk.from);
    if (replaced !== undefined) this.remove(replaced);
    home.set(chunk.from, chunk);
    this.entries.set(chunk, home);
    this.bytes += chunk.sizeInBytes * SHOWN_FACTOR;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= LIMITS.catchUpCacheBytes || oldest === chunk) break;
      this.remove(oldest);
    }
  }

  clear(home: Map<number, Chunk>): void {
    for (const chunk of [...home.values()]) this.remove(chunk);
  }

  private remove(chunk: Chunk): void {
    const home = this.entries.get(chunk);
    if (home === undefined) return;
    this.entries.delete(chunk);
    home.delete(chunk.from);
    this.bytes -= chunk.sizeInBytes * SHOWN_FACTOR;
  }
}

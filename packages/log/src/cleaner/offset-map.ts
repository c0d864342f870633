/**
 * The newest offset of every key, in bounded memory: keys are kept as their MD5 (as Apache Kafka does; 16 bytes make a
 * collision a matter of theory), in an open-addressed table. Filled by the first pass of a compaction, asked by the second.
 * Invariant: `put` is only called while `isFull` is false, so every search ends at an empty slot.
 */
import { hash } from 'node:crypto';
import { MAP_ENTRY_BYTES, MAX_MAP_LOAD_FACTOR, MIN_MAP_LOAD_FACTOR } from './limits.ts';

const EMPTY = -1;
const WORDS = 4;

export class OffsetMap {
  /** Every record up to it has been put in. */
  latestOffset = -1;
  size = 0;
  private readonly words: Int32Array;
  private readonly offsets: Float64Array;
  private readonly maxSize: number;

  /** Room for `keys`, but no more memory than `maxBytes`; never fuller than `loadFactor`. */
  constructor(keys: number, maxBytes: number, loadFactor: number) {
    const load = Math.min(MAX_MAP_LOAD_FACTOR, Math.max(MIN_MAP_LOAD_FACTOR, loadFactor));
    const slots = Math.max(2, Math.min(Math.ceil(keys / load) + 1, Math.floor(maxBytes / MAP_ENTRY_BYTES)));
    this.words = new Int32Array(slots * WORDS);
    this.offsets = new Float64Array(slots).fill(EMPTY);
    this.maxSize = Math.max(1, Math.floor(slots * load));
  }

  get isFull(): boolean {
    return this.size >= this.maxSize;
  }

  put(key: Uint8Array, offset: number): void {
    const digest = hash('md5', key, 'buffer');
    const slot = this.find(digest);
    if (this.offsets[slot] === EMPTY) {
      this.size += 1;
      for (let word = 0; word < WORDS; word++) this.words[slot * WORDS + word] = digest.readInt32LE(word * 4);
    }
    this.offsets[slot] = offset;
  }

  /** −1 if the key is not there. */
  get(key: Uint8Array): number {
    return this.offsets[this.find(hash('md5', key, 'buffer'))]!;
  }

  /** The key's slot, or the empty one where it would go. */
  private find(digest: Buffer): number {
    const [first, second] = [digest.readInt32LE(0), digest.readInt32LE(4)];
    const [third, fourth] = [digest.readInt32LE(8), digest.readInt32LE(12)];
    const { words, offsets } = this;
    for (let slot = (first >>> 0) % offsets.length; ; slot = slot + 1 === offsets.length ? 0 : slot + 1) {
      if (offsets[slot] === EMPTY) return slot;
      const at = slot * WORDS;
      const isSame = words[at] === first && words[at + 1] === second;
      if (isSame && words[at + 2] === third && words[at + 3] === fourth) return slot;
    }
  }
}

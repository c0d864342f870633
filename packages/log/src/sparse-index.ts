/**
 * A sparse index of one segment, in memory exactly as in its file: entries of fixed size, ascending. `OffsetIndex` maps
 * a relative offset to a position (`.index`), `TimeIndex` a timestamp to a relative offset (`.timeindex`). What is not
 * in the file yet is written by `save`; a file that cannot be believed is refused by `load` and rebuilt by a scan.
 */
import type { Disk } from '@meridian/io';
import { INDEX_INITIAL_BYTES } from './limits.ts';

const NO_BYTES = Buffer.alloc(0);

abstract class SparseIndex {
  readonly path: string;
  readonly entryBytes: number;
  protected bytes: Buffer = NO_BYTES;
  count = 0;
  private savedCount = 0;
  /** What a file was found to have may have been written lightly, or by a process that died before its fsync. */
  private isDurable = true;
  constructor(path: string, entryBytes: number) {
    this.path = path;
    this.entryBytes = entryBytes;
  }

  /** Takes over the file's entries; false if it is missing or contradicts itself. */
  load(disk: Disk): boolean {
    if (!disk.exists(this.path)) return false;
    this.bytes = disk.readFile(this.path);
    this.count = this.savedCount = Math.floor(this.bytes.length / this.entryBytes);
    this.isDurable = false;
    return this.bytes.length % this.entryBytes === 0 && this.ascending();
  }

  /** How many entries the file has, and the last one; undefined if it is not whole. Nothing is loaded. */
  peek(disk: Disk): { count: number; key: number; value: number } | undefined {
    const file = disk.open(this.path, 'r');
    try {
      const size = file.size();
      if (size % this.entryBytes !== 0) return undefined;
      if (size === 0) return { count: 0, key: -1, value: -1 };
      this.bytes = Buffer.alloc(this.entryBytes);
      file.read(this.bytes, 0, this.entryBytes, size - this.entryBytes);
      return { count: size / this.entryBytes, key: this.keyAt(0), value: this.valueAt(0) };
    } finally {
      this.unload();
      file.close();
    }
  }

  /** Brings the file up to date, durably. */
  async save(disk: Disk): Promise<void> {
    if (this.saved && this.isDurable) return;
    const file = disk.open(this.path, this.saved ? 'r+' : 'w+');
    try {
      if (!this.saved) file.writev([this.bytes.subarray(0, this.count * this.entryBytes)], 0);
      if (this.count > 0) await file.sync();
      this.savedCount = this.count;
      this.isDurable = true;
    } finally {
      file.close();
    }
  }

  /**
   * Makes the file of a recovered segment say what the scan has found. Durably where the segment will be trusted by it: an
   * older file of the same segment, back after a loss of power, contradicts nothing and misses the end.
   */
  reconcile(disk: Disk, isDurable: boolean): void {
    if (this.savedCount === this.count) return;
    const found = this.bytes.subarray(0, this.count * this.entryBytes);
    const isThere = disk.exists(this.path) && disk.readFile(this.path).equals(found);
    if (!isThere || isDurable) {
      const file = disk.open(this.path, isThere ? 'r+' : 'w+');
      if (!isThere) file.writev([found], 0);
      if (isDurable) file.syncNow();
      file.close();
    }
    this.savedCount = this.count;
    this.isDurable = isDurable;
  }

  /** Whether the file has every entry. */
  get saved(): boolean {
    return this.savedCount === this.count;
  }

  /** Whether one more entry would make it larger than `maxBytes`. */
  isFull(maxBytes: number): boolean {
    return (this.count + 1) * this.entryBytes > maxBytes;
  }

  /** Lets go of the memory; `load` brings it back. */
  unload(): void {
    this.bytes = NO_BYTES;
    this.count = this.savedCount = 0;
  }

  /** Forgets every entry; the file is rewritten by the next `save`. */
  reset(): void {
    this.count = 0;
    this.savedCount = -1;
  }

  /** Makes room for one more entry and returns where it goes. */
  protected grow(): number {
    const at = this.count * this.entryBytes;
    if (at + this.entryBytes > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(INDEX_INITIAL_BYTES, this.bytes.length * 2));
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    this.count += 1;
    return at;
  }

  /** Keeps the first `count` entries. */
  protected cut(count: number): void {
    if (count >= this.count) return;
    this.count = count;
    this.savedCount = -1;
  }

  /** Number of leading entries whose key is at most `key`. */
  protected countUpTo(key: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.keyAt(middle) <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private ascending(): boolean {
    for (let entry = 1; entry < this.count; entry++) {
      if (this.keyAt(entry) <= this.keyAt(entry - 1) || this.valueAt(entry) < this.valueAt(entry - 1)) return false;
    }
    return this.count === 0 || this.valueAt(0) >= 0;
  }

  protected abstract keyAt(entry: number): number;
  protected abstract valueAt(entry: number): number;
}

/** 8 bytes an entry: last offset of a batch relative to the segment's base, and the position where the batch begins. */
export class OffsetIndex extends SparseIndex {
  constructor(path: string) {
    super(path, 8);
  }

  append(relativeOffset: number, position: number): void {
    const at = this.grow();
    this.bytes.writeInt32BE(relativeOffset, at);
    this.bytes.writeInt32BE(position, at + 4);
  }

  /** Position of a batch that does not begin behind `relativeOffset`. */
  positionFor(relativeOffset: number): number {
    const upTo = this.countUpTo(relativeOffset);
    return upTo === 0 ? 0 : this.valueAt(upTo - 1);
  }

  /** Forgets what points at or behind `position`, after a cut. */
  truncate(position: number): void {
    let count = this.count;
    while (count > 0 && this.valueAt(count - 1) >= position) count -= 1;
    this.cut(count);
  }

  /** Largest position, to be checked against the segment's size. */
  get lastPosition(): number {
    return this.count === 0 ? -1 : this.valueAt(this.count - 1);
  }

  protected keyAt(entry: number): number {
    return this.bytes.readInt32BE(entry * 8);
  }

  protected valueAt(entry: number): number {
    return this.bytes.readInt32BE(entry * 8 + 4);
  }
}

/** 12 bytes an entry: largest timestamp so far, and the relative offset of the batch that bears it. */
export class TimeIndex extends SparseIndex {
  constructor(path: string) {
    super(path, 12);
  }

  /** Kafka's `maybeAppend`: a timestamp that is no larger than the last entry's says nothing new. */
  append(timestamp: number, relativeOffset: number): void {
    if (timestamp < 0 || (this.count > 0 && timestamp <= this.keyAt(this.count - 1))) return;
    const at = this.grow();
    this.bytes.writeBigInt64BE(BigInt(timestamp), at);
    this.bytes.writeInt32BE(relativeOffset, at + 8);
  }

  /** Relative offset before which every timestamp is at most the largest entry's ≤ `timestamp`. */
  offsetFor(timestamp: number): number {
    const upTo = this.countUpTo(timestamp);
    return upTo === 0 ? 0 : this.valueAt(upTo - 1);
  }

  truncate(relativeOffset: number): void {
    let count = this.count;
    while (count > 0 && this.valueAt(count - 1) >= relativeOffset) count -= 1;
    this.cut(count);
  }

  get last(): { timestamp: number; relativeOffset: number } | undefined {
    if (this.count === 0) return undefined;
    return { timestamp: this.keyAt(this.count - 1), relativeOffset: this.valueAt(this.count - 1) };
  }

  protected keyAt(entry: number): number {
    return Number(this.bytes.readBigInt64BE(entry * 12));
  }

  protected valueAt(entry: number): number {
    return this.bytes.readInt32BE(entry * 12 + 8);
  }
}

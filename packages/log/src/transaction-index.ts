/**
 * The aborted transactions whose markers lie in one segment: Kafka's `.txnindex`, which exists only where there are any.
 * Told by the log as markers pass, asked for `read_committed`. Invariant: entries ascend by the marker's offset.
 */
import type { Disk } from '@meridian/io';
import type { AbortedTransaction } from './log-interface.ts';

/** Version (int16), producer id, first and last offset, last stable offset (int64 each). */
const ENTRY_BYTES = 34;
const VERSION = 0;

export interface IndexedAbort extends AbortedTransaction {
  /** The marker's offset. */
  readonly lastOffset: number;
  /** The last stable offset once the marker was there. */
  readonly lastStableOffset: number;
}

export class TransactionIndex {
  readonly path: string;
  private list: IndexedAbort[] = [];
  private dirty = false;
  /** The file has not been read yet. */
  private onDisk = false;
  constructor(path: string) {
    this.path = path;
  }

  /** Leaves the entries in the file until somebody asks. */
  trust(exists: boolean): void {
    this.onDisk = exists;
  }

  append(entry: IndexedAbort, disk: Disk): void {
    this.entries(disk);
    this.list.push(entry);
    this.dirty = true;
  }

  /** A file that cannot be believed counts as empty: what is then served in its place was checked by nobody else. */
  entries(disk: Disk): readonly IndexedAbort[] {
    if (this.onDisk) this.list = decode(disk.readFile(this.path)) ?? [];
    this.onDisk = false;
    return this.list;
  }

  /** Whether the file, if there is one, says something that can be true. */
  isSound(disk: Disk): boolean {
    return !this.onDisk || decode(disk.readFile(this.path)) !== undefined;
  }

  /** Forgets what was marked at or behind `offset`. */
  truncate(offset: number, disk: Disk): void {
    const kept = this.entries(disk).filter((entry) => entry.lastOffset < offset);
    if (kept.length < this.list.length) this.dirty = true;
    this.list = kept;
  }

  /** A scan will say anew what there is. */
  reset(): void {
    this.onDisk = false;
    this.list = [];
    this.dirty = true;
  }

  /** Whether a file was written or removed: its name is to be made durable. */
  async save(disk: Disk): Promise<boolean> {
    if (!this.dirty) return false;
    this.dirty = false;
    if (this.list.length === 0) return this.removeFile(disk);
    const file = disk.open(this.path, 'w+');
    try {
      file.writev([encode(this.list)], 0);
      await file.sync();
    } finally {
      file.close();
    }
    return true;
  }

  /** The same, blocking. A file that says it already may have been written by a process that died before its fsync. */
  reconcile(disk: Disk): boolean {
    if (!this.dirty) return false;
    this.dirty = false;
    if (this.list.length === 0) return this.removeFile(disk);
    const found = encode(this.list);
    const isThere = disk.exists(this.path) && disk.readFile(this.path).equals(found);
    const file = disk.open(this.path, isThere ? 'r+' : 'w+');
    if (!isThere) file.writev([found], 0);
    file.syncNow();
    file.close();
    return true;
  }

  private removeFile(disk: Disk): boolean {
    if (!disk.exists(this.path)) return false;
    disk.remove(this.path);
    return true;
  }
}

function encode(entries: readonly IndexedAbort[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES);
  entries.forEach((entry, index) => {
    const at = index * ENTRY_BYTES;
    bytes.writeInt16BE(VERSION, at);
    bytes.writeBigInt64BE(BigInt(entry.producerId), at + 2);
    bytes.writeBigInt64BE(BigInt(entry.firstOffset), at + 10);
    bytes.writeBigInt64BE(BigInt(entry.lastOffset), at + 18);
    bytes.writeBigInt64BE(BigInt(entry.lastStableOffset), at + 26);
  });
  return bytes;
}

function decode(bytes: Buffer): IndexedAbort[] | undefined {
  if (bytes.length % ENTRY_BYTES !== 0) return undefined;
  const entries: IndexedAbort[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const number = (where: number): number => Number(bytes.readBigInt64BE(at + where));
    const entry = {
      producerId: number(2),
      firstOffset: number(10),
      lastOffset: number(18),
      lastStableOffset: number(26),
    };
    const before = entries.at(-1)?.lastOffset ?? -1;
    if (bytes.readInt16BE(at) !== VERSION || entry.lastOffset <= before || entry.firstOffset >= entry.lastOffset) {
      return undefined;
    }
    entries.push(entry);
  }
  return entries;
}

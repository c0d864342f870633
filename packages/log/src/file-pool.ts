/**
 * Segment files, opened when they are needed: so many are open at once in a process, and beyond that the one that was
 * not used for longest is closed. Shared by all logs of a process; used by segments alone.
 * Invariant: whoever holds a pooled file sees no difference. One that waits for its fsync is closed last: the kernel tells
 * of a failed write-back on any descriptor that was open, or is opened before anybody was told.
 */
import { type Disk, type DiskFile, IoError } from '@meridian/io';

/** Only these stay open; everything else is opened, used and closed. */
const SEGMENT_FILE = /\.log(\.cleaned)?$/;

export interface FilePool {
  readonly maxOpen: number;
  readonly openCount: number;
  /** The same disk, but segment files that are opened there belong to the pool. */
  over(disk: Disk): Disk;
}

export function createFilePool(maxOpen: number): FilePool {
  return new LruFilePool(maxOpen);
}

class LruFilePool implements FilePool {
  readonly maxOpen: number;
  /** Least recently used first. */
  private readonly open = new Set<PooledFile>();
  private latest: PooledFile | undefined;
  constructor(maxOpen: number) {
    this.maxOpen = maxOpen;
  }

  get openCount(): number {
    return this.open.size;
  }

  over(disk: Disk): Disk {
    return {
      open: (path, mode) => {
        if (!SEGMENT_FILE.test(path)) return disk.open(path, mode);
        const file = new PooledFile(this, disk, path);
        if (mode === 'w+') file.create();
        return file;
      },
      exists: (path) => disk.exists(path),
      list: (path) => disk.list(path),
      makeFolder: (path) => disk.makeFolder(path),
      rename: (from, to) => disk.rename(from, to),
      remove: (path) => disk.remove(path),
      removeFolder: (path) => disk.removeFolder(path),
      stat: (path) => disk.stat(path),
      readFile: (path) => disk.readFile(path),
      replaceFile: (path, content) => disk.replaceFile(path, content),
      syncFolder: (path) => disk.syncFolder(path),
      syncFolderAsync: (path) => disk.syncFolderAsync(path),
      lock: (path) => disk.lock(path),
      freeBytes: (path) => disk.freeBytes(path),
      totalBytes: (path) => disk.totalBytes(path),
    };
  }

  used(file: PooledFile): void {
    if (this.latest === file) return;
    this.latest = file;
    this.open.delete(file);
    this.open.add(file);
    if (this.open.size > this.maxOpen) this.closeOne(file);
  }

  forget(file: PooledFile): void {
    this.open.delete(file);
    if (this.latest === file) this.latest = undefined;
  }

  private closeOne(newest: PooledFile): void {
    let looked = 0;
    let victim: PooledFile | undefined;
    for (const file of this.open) {
      if (file === newest) continue;
      victim ??= file;
      if (!file.unsynced) {
        victim = file;
        break;
      }
      if (++looked === MAX_LOOKED_AT) break;
    }
    victim?.rest();
  }
}

/** Files that are looked at for one that has nothing to fsync. */
const MAX_LOOKED_AT = 8;

class PooledFile implements DiskFile {
  readonly path: string;
  /** Written to since the last fsync began. */
  unsynced = false;
  private readonly pool: LruFilePool;
  private readonly disk: Disk;
  private handle: DiskFile | undefined;
  private closed = false;
  constructor(pool: LruFilePool, disk: Disk, path: string) {
    this.pool = pool;
    this.disk = disk;
    this.path = path;
  }

  create(): void {
    this.handle = this.disk.open(this.path, 'w+');
    this.pool.used(this);
  }

  size(): number {
    return this.handle === undefined && !this.closed ? this.disk.stat(this.path).size : this.opened().size();
  }

  writev(buffers: readonly Uint8Array[], position: number): void {
    this.unsynced = true;
    this.opened().writev(buffers, position);
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return this.opened().read(target, offset, length, position);
  }

  readAsync(target: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return this.opened().readAsync(target, offset, length, position);
  }

  truncate(size: number): void {
    this.unsynced = true;
    this.opened().truncate(size);
  }

  async sync(): Promise<void> {
    this.unsynced = false;
    await this.opened().sync();
  }

  syncNow(): void {
    this.unsynced = false;
    this.opened().syncNow();
  }

  close(): void {
    this.closed = true;
    this.rest();
  }

  /** Closes the descriptor; the next use opens another. */
  rest(): void {
    this.pool.forget(this);
    const { handle } = this;
    this.handle = undefined;
    handle?.close();
  }

  private opened(): DiskFile {
    if (this.closed) throw new IoError('closed', this.path);
    this.handle ??= this.disk.open(this.path, 'r+');
    this.pool.used(this);
    return this.handle;
  }
}

/**
 * Carries appended batches to the disk: one `writev` at the end of the turn, and fsyncs in groups: while one is on its
 * way, whatever is appended waits for the next. Used by the log alone.
 *
 *   queued ──end of turn──▶ written (writtenEnd) ──fsync──▶ durable (durableEnd)
 *
 * Invariant: `durableEnd` ≤ `writtenEnd`, and a failed write or fsync is never tried again on the same data: what the
 * kernel did with those pages is unknown, so the log goes offline until a restart reads what is really there.
 */
import { dirname } from 'node:path';
import { type Io, IoError } from '@meridian/io';
import { LogError } from './errors.ts';
import type { Segment } from './segment.ts';

export interface WriterEvents {
  /** All batches below the offset are written. */
  written(end: number): void;
  /** Something moved; from the event loop. */
  progress(): void;
  /** After a group of fsyncs, sealed segments among them. */
  durable(end: number, sealed: readonly Segment[]): void;
  failed(error: Error): void;
}

export interface WriterOptions {
  /** The names of the folder and of what lies in it are durable: an earlier process has seen to it. */
  readonly areNamesDurable: boolean;
  /** Makes the folder's own name durable. */
  syncParent(): Promise<void>;
  readonly autoSync: boolean;
  readonly maxPendingBytes: number;
  readonly events: WriterEvents;
}

interface Waiter {
  end: number;
  resolve(): void;
  reject(error: Error): void;
}

export class LogWriter {
  writtenEnd: number;
  durableEnd: number;
  failure: Error | undefined;
  /** Follow every write with an fsync. */
  autoSync: boolean;
  private readonly io: Io;
  private readonly folder: string;
  private readonly events: WriterEvents;
  private readonly maxPendingBytes: number;
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private pendingSegment: Segment | undefined;
  private pendingEnd: number;
  private tickArmed = false;
  /** Names in the folder, and the folder's own, that are not durable yet: part of the next group. */
  private folderDirty: boolean;
  private parentDirty: boolean;
  /** The name of the segment that was there at the start is durable. */
  private isFirstNamed: boolean;
  private readonly syncParent: () => Promise<void>;
  /** Written to since their last fsync. */
  private unsynced = new Set<Segment>();
  private sealed: Segment[] = [];
  private syncing: Promise<void> | undefined;
  private syncWanted = false;
  private waiters: Waiter[] = [];
  /** Moves with every truncation: an fsync that began before it says nothing about what came after. */
  private generation = 0;
  private isAbandoned = false;

  constructor(io: Io, folder: string, end: number, durableEnd: number, options: WriterOptions) {
    this.io = io;
    this.folder = folder;
    this.writtenEnd = this.pendingEnd = end;
    this.durableEnd = durableEnd;
    this.autoSync = options.autoSync;
    this.folderDirty = this.parentDirty = !options.areNamesDurable;
    this.isFirstNamed = options.areNamesDurable;
    this.syncParent = options.syncParent;
    this.maxPendingBytes = options.maxPendingBytes;
    this.events = options.events;
  }

  /** Segments that an earlier process wrote and perhaps never fsynced: part of the next group. */
  adopt(segments: readonly Segment[]): void {
    for (const segment of segments) this.unsynced.add(segment);
  }

  /** Makes all that is written durable before it returns; at start only, as it blocks. */
  syncNow(): void {
    for (const segment of this.unsynced) segment.file.syncNow();
    this.io.disk.syncFolder(this.folder);
    this.io.disk.syncFolder(dirname(this.folder));
    this.unsynced = new Set();
    this.folderDirty = this.parentDirty = false;
    this.durableEnd = this.writtenEnd;
  }

  /** Queues a batch that lies behind what is queued; too much of it is written at once. */
  queue(segment: Segment, batch: Buffer, nextOffset: number): void {
    if (this.pendingSegment !== segment) {
      this.writePending();
      this.pendingSegment = segment;
    }
    this.pending.push(batch);
    this.pendingBytes += batch.length;
    this.pendingEnd = nextOffset;
    if (!this.tickArmed) this.armTick();
    if (this.pendingBytes >= this.maxPendingBytes) this.writePending();
  }

  /** Writes what is queued, now. Throws what took the log offline. */
  writePending(): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.pending.length === 0) return;
    const segment = this.pendingSegment!;
    const buffers = this.pending;
    const position = segment.size - this.pendingBytes;
    this.pending = [];
    this.pendingBytes = 0;
    try {
      segment.file.writev(buffers, position);
    } catch (error) {
      this.fail(error as Error);
      throw error;
    }
    this.unsynced.add(segment);
    this.writtenEnd = this.pendingEnd;
    this.events.written(this.writtenEnd);
  }

  /** `segment` is full; the next one has been created beside it. */
  segmentSealed(segment: Segment): void {
    this.sealed.push(segment);
    this.unsynced.add(segment);
    this.folderDirty = true;
    this.wantSync();
  }

  /** Before a second segment is created: without the name of the first, the log would begin with the second. */
  nameFirst(): void {
    if (this.isFirstNamed) return;
    this.io.disk.syncFolder(this.folder);
    this.isFirstNamed = true;
    this.folderDirty = false;
  }

  flush(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.pendingEnd <= this.durableEnd && this.syncing === undefined) return Promise.resolve();
    return new Promise<void>((resolve, reject) => {
      this.waiters.push({ end: this.pendingEnd, resolve, reject });
      this.wantSync();
    });
  }

  /** The log was cut at `end`, durably: nothing is queued any more. */
  truncated(end: number): void {
    this.generation += 1;
    this.pending = [];
    this.pendingBytes = 0;
    this.pendingSegment = undefined;
    this.writtenEnd = this.pendingEnd = end;
    this.durableEnd = Math.min(this.durableEnd, end);
    for (const waiter of this.waiters) waiter.end = Math.min(waiter.end, end);
    if (this.waiters.length > 0) this.wantSync();
  }

  /** Writes nothing any more: by its paths, the files of another log may be meant by now. */
  abandon(): void {
    this.isAbandoned = true;
    this.generation += 1;
    this.pending = [];
    this.pendingBytes = 0;
    for (const waiter of this.waiters) waiter.reject(new LogError('closed', this.folder));
    this.waiters = [];
  }

  /** Resolves when no fsync is under way; nothing new is started by it. */
  async settle(): Promise<void> {
    while (this.syncing !== undefined) await this.syncing;
  }

  private armTick(): void {
    this.tickArmed = true;
    this.io.timers.defer(() => {
      this.tickArmed = false;
      if (this.failure !== undefined) return;
      try {
        this.writePending();
      } catch {
        return; // `fail` has told everybody
      }
      if (this.autoSync) this.wantSync();
      this.events.progress();
    });
  }

  private wantSync(): void {
    this.syncWanted = true;
    if (this.syncing !== undefined || this.failure !== undefined) return;
    this.syncing = this.syncLoop();
  }

  /** One group after another until nobody wants one. */
  private async syncLoop(): Promise<void> {
    try {
      while (this.syncWanted && this.failure === undefined && !this.isAbandoned) {
        this.syncWanted = false;
        await this.syncGroup();
      }
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      this.fail(error);
    } finally {
      this.syncing = undefined;
    }
  }

  private async syncGroup(): Promise<void> {
    this.writePending();
    const generation = this.generation;
    const end = this.writtenEnd;
    const segments = [...this.unsynced].filter((segment) => !segment.removed);
    const sealed = this.sealed.filter((segment) => !segment.removed);
    this.unsynced = new Set();
    this.sealed = [];
    await Promise.all([this.syncNames(), ...segments.map((segment) => segment.sync())]);
    let hasNewNames = false;
    for (const segment of sealed) {
      // One that was cut meanwhile is not closed any more.
      if (generation === this.generation && (await segment.seal())) hasNewNames = true;
    }
    if (hasNewNames) await this.io.disk.syncFolderAsync(this.folder);
    if (this.failure !== undefined || this.isAbandoned) return;
    if (generation !== this.generation) {
      for (const segment of segments) this.unsynced.add(segment);
      this.syncWanted = true;
      return;
    }
    this.durableEnd = Math.max(this.durableEnd, end);
    this.events.durable(end, sealed);
    this.answerWaiters();
    this.events.progress();
  }

  private async syncNames(): Promise<void> {
    const { folderDirty, parentDirty } = this;
    this.folderDirty = this.parentDirty = false;
    await Promise.all([folderDirty && this.io.disk.syncFolderAsync(this.folder), parentDirty && this.syncParent()]);
    this.isFirstNamed = true;
  }

  private answerWaiters(): void {
    const ready = this.waiters.filter((waiter) => waiter.end <= this.durableEnd);
    this.waiters = this.waiters.filter((waiter) => waiter.end > this.durableEnd);
    if (this.waiters.length > 0) this.syncWanted = true;
    for (const waiter of ready) waiter.resolve();
  }

  /** Takes the log offline. */
  fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.pending = [];
    this.pendingBytes = 0;
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
    this.events.failed(error);
  }
}

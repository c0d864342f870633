/**
 * One segment: a `.log` file with the batches from `baseOffset` on, and its two sparse indexes. It is told of every
 * batch, by the writer that appends and by recovery that scans, and keeps the same books either way.
 * Invariant: positions below `size` hold whole batches, in memory (`writer`) or in the file.
 */
import type { Disk, DiskFile } from '@meridian/io';
import type { BatchHeader } from '@meridian/protocol/record-batch';
import { MAX_RELATIVE_OFFSET, MAX_SEGMENT_BYTES } from './limits.ts';
import type { LogConfig } from './log-interface.ts';
import { type OffsetFileKind, offsetFileName } from './offset-file-name.ts';
import { OffsetIndex, TimeIndex } from './sparse-index.ts';
import { TransactionIndex } from './transaction-index.ts';

/** Of files that wait for their removal, as Kafka names them; the next start sweeps up what is left of them. */
const DELETED_SUFFIX = '.deleted';

export class Segment {
  readonly baseOffset: number;
  readonly file: DiskFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactions: TransactionIndex;
  /** Of the producers at its base offset; goes with it. */
  private readonly snapshotPath: string;
  /** False when the indexes lie in their files only; `loadIndexes` brings them back. */
  indexesLoaded = true;
  /** Bytes appended, written or waiting. */
  size = 0;
  /** Behind the last batch. */
  nextOffset: number;
  maxTimestamp = -1;
  maxTimestampOffset: number;
  /** Of the first batch, for rolling by age as Kafka does: by the records' time; −1 while there is none. */
  firstTimestamp = -1;
  /** Where a reader that reads on will begin: it spares the index and the bytes before. */
  readHint = { offset: -1, position: 0 };
  /** Bytes in between were appended or had their CRCs checked since the segment was opened; a reader checks the others. */
  soundFrom = 0;
  soundTo = 0;
  /** Its files are gone, or no longer its own. */
  removed = false;
  /** Some batch in it is of a transaction, or a marker, or nobody has looked. */
  hasTransactions: boolean;
  private bytesSinceEntry = 0;
  /** How often its batches were walked anew. */
  private rewound = 0;
  private readonly disk: Disk;

  constructor(disk: Disk, folder: string, baseOffset: number, mode: 'create' | 'open', suffix = '') {
    this.disk = disk;
    this.baseOffset = baseOffset;
    this.nextOffset = baseOffset;
    this.maxTimestampOffset = baseOffset;
    this.hasTransactions = mode === 'open';
    const path = (kind: OffsetFileKind) => `${folder}/${offsetFileName(baseOffset, kind)}${suffix}`;
    this.snapshotPath = path('snapshot');
    this.file = disk.open(path('log'), mode === 'create' ? 'w+' : 'r+');
    this.offsetIndex = new OffsetIndex(path('index'));
    this.timeIndex = new TimeIndex(path('timeindex'));
    this.transactions = new TransactionIndex(path('txnindex'));
    if (mode === 'create') this.resetIndexes();
  }

  /** Takes note of a batch that begins at `position`, which is the segment's size so far. */
  note(header: BatchHeader, position: number, indexIntervalBytes: number): void {
    if (header.maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = header.maxTimestamp;
      this.maxTimestampOffset = header.lastOffset;
    }
    if (this.firstTimestamp < 0) this.firstTimestamp = header.maxTimestamp;
    if (header.isTransactional || header.isControl) this.hasTransactions = true;
    if (this.bytesSinceEntry > indexIntervalBytes) {
      this.offsetIndex.append(header.lastOffset - this.baseOffset, position);
      this.timeIndex.append(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset);
      this.bytesSinceEntry = 0;
    }
    this.bytesSinceEntry += header.sizeInBytes;
    this.size = position + header.sizeInBytes;
    this.nextOffset = header.nextOffset;
  }

  /** Whether the batch may still go into it: by bytes, by its indexes, by its offsets, and by the time that its records span. */
  hasRoomFor(header: BatchHeader, limits: Pick<LogConfig, 'segmentBytes' | 'indexBytes'>, maxAgeMs: number): boolean {
    if (this.size === 0) return true;
    if (this.size + header.sizeInBytes > Math.min(limits.segmentBytes, MAX_SEGMENT_BYTES)) return false;
    if (header.lastOffset - this.baseOffset > MAX_RELATIVE_OFFSET) return false;
    const { offsetIndex, timeIndex } = this;
    // The time index takes one entry more when the segment is sealed.
    const { indexBytes } = limits;
    if (offsetIndex.isFull(indexBytes) || timeIndex.isFull(indexBytes - timeIndex.entryBytes)) return false;
    return this.firstTimestamp < 0 || header.maxTimestamp - this.firstTimestamp <= maxAgeMs;
  }

  /** Notes that the bytes from `from` to `to` hold sound batches; of two ranges that do not meet, the newer is kept. */
  sound(from: number, to: number): void {
    const meets = from <= this.soundTo && to >= this.soundFrom;
    this.soundFrom = meets ? Math.min(from, this.soundFrom) : from;
    this.soundTo = meets ? Math.max(to, this.soundTo) : to;
  }

  /** Position of a batch at or before the one that contains or follows `offset`. */
  positionFor(offset: number): number {
    if (this.readHint.offset === offset) return this.readHint.position;
    this.loadIndexes();
    return this.offsetIndex.positionFor(Math.max(0, offset - this.baseOffset));
  }

  /** Largest timestamp of a record; where no record has one, when the file was last written, as in Kafka. */
  newestTimestamp(): number {
    return this.maxTimestamp >= 0 ? this.maxTimestamp : this.disk.stat(this.file.path).modifiedMs;
  }

  /** Reads the index files back, if they were let go of; damaged ones only make lookups slower. */
  loadIndexes(): void {
    if (this.indexesLoaded) return;
    const sound = this.offsetIndex.load(this.disk) && this.offsetIndex.lastPosition < this.size;
    if (!sound) this.offsetIndex.reset();
    if (!this.timeIndex.load(this.disk)) this.timeIndex.reset();
    this.indexesLoaded = true;
  }

  /** Lets go of the memory of saved indexes. */
  unloadIndexes(): void {
    if (!this.indexesLoaded || !this.offsetIndex.saved || !this.timeIndex.saved) return;
    this.offsetIndex.unload();
    this.timeIndex.unload();
    this.indexesLoaded = false;
  }

  /** Has the same files under other names as `other`, whose indexes are saved. */
  takeBooks(other: Segment): void {
    this.size = other.size;
    this.nextOffset = other.nextOffset;
    this.maxTimestamp = other.maxTimestamp;
    this.maxTimestampOffset = other.maxTimestampOffset;
    this.firstTimestamp = other.firstTimestamp;
    this.hasTransactions = other.hasTransactions;
    this.sound(0, other.size);
    this.transactions.trust(this.disk.exists(this.transactions.path));
    this.indexesLoaded = false;
  }

  resetIndexes(): void {
    this.offsetIndex.reset();
    this.timeIndex.reset();
    this.bytesSinceEntry = 0;
  }

  /**
   * The segment will not grow any more: its last timestamp goes into the index, as in Kafka. Called when the batches are
   * durable, so that index files tell of a segment that is whole. Returns whether there are transactions, whose
   * file nobody would miss: its name must be made durable.
   */
  async seal(): Promise<boolean> {
    if (this.removed) return false;
    const { rewound } = this;
    const isAsItWas = () => !this.removed && rewound === this.rewound;
    this.timeIndex.append(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset);
    const isNew = await this.transactions.save(this.disk);
    if (isAsItWas()) await this.offsetIndex.save(this.disk);
    if (isAsItWas()) await this.timeIndex.save(this.disk);
    return isNew;
  }

  /**
   * The same after a scan, or at a clean stop: rewrites index files that are missing or wrong, and lets go of the memory.
   * Durable are the transactions, which nobody misses when they are lost; returns whether their file was written. After a
   * scan the indexes are durable as well, for the recovery point may come to lie behind the segment.
   */
  sealRecovered(isScanned: boolean): boolean {
    this.timeIndex.append(this.maxTimestamp, this.maxTimestampOffset - this.baseOffset);
    const isWritten = this.transactions.reconcile(this.disk);
    this.offsetIndex.reconcile(this.disk, isScanned);
    this.timeIndex.reconcile(this.disk, isScanned);
    this.unloadIndexes();
    return isWritten;
  }

  private filesBeside(): string[] {
    return [this.offsetIndex.path, this.timeIndex.path, this.transactions.path, this.snapshotPath];
  }

  /** Fsyncs the batches. A segment that is removed meanwhile has nothing left to lose. */
  async sync(): Promise<void> {
    try {
      await this.file.sync();
    } catch (error) {
      if (!this.removed) throw error;
    }
  }

  /** Forgets every batch; whoever calls notes those that stay. */
  rewind(): void {
    this.rewound += 1;
    this.resetIndexes();
    this.indexesLoaded = true;
    this.size = 0;
    this.nextOffset = this.baseOffset;
    this.maxTimestamp = -1;
    this.maxTimestampOffset = this.baseOffset;
    this.firstTimestamp = -1;
    this.hasTransactions = false;
    this.soundFrom = this.soundTo = 0;
    this.readHint = { offset: -1, position: 0 };
  }

  /** The segment was cut: its index files must not say that it is closed. They are written when it is. */
  dropIndexFiles(): void {
    for (const { path } of [this.offsetIndex, this.timeIndex]) if (this.disk.exists(path)) this.disk.remove(path);
  }

  close(): void {
    this.file.close();
  }

  /**
   * Takes the files away from the log by their `.deleted` names, which it returns; who holds one open may read on. The
   * snapshot stays where another segment takes this one's place.
   */
  retire(keepsSnapshot = false): string[] {
    this.removed = true;
    this.close();
    const isRetired = (path: string) => this.disk.exists(path) && !(keepsSnapshot && path === this.snapshotPath);
    const paths = [this.file.path, ...this.filesBeside()].filter(isRetired);
    for (const path of paths) this.disk.rename(path, `${path}${DELETED_SUFFIX}`);
    return paths.map((path) => `${path}${DELETED_SUFFIX}`);
  }

  /** Removes the files. The log file goes last: indexes without it are swept up at the next start. */
  remove(): void {
    this.removed = true;
    this.close();
    for (const path of [...this.filesBeside(), this.file.path]) {
      if (this.disk.exists(path)) this.disk.remove(path);
    }
  }
}

/**
 * Which epoch began at which offset, ascending in both: Kafka's leader-epoch cache, kept as `leader-epoch-checkpoint`,
 * and once more for the epochs of a copy's region of origin (`origin-epoch-checkpoint`). The list does not write
 * itself; `save` writes what the file does not have.
 */
import type { Disk } from '@meridian/io';
import { checkpointNumber, readCheckpoint, writeCheckpoint } from './checkpoint-file.ts';
import { LogError } from './errors.ts';
import type { EpochCache, EpochEntry } from './log-interface.ts';

export class EpochList implements EpochCache {
  entries: readonly EpochEntry[] = [];
  /** Makes durable where the log begins: the file must not forget an epoch that a crash would bring back. */
  beforeSave: () => void = () => {};
  /** What the file has. */
  private saved = '';
  /** What was found in it may have been written by a process that died before its fsync. */
  private isDurable = true;
  private readonly disk: Disk;
  private readonly path: string;
  private readonly logEnd: () => number;
  constructor(disk: Disk, path: string, logEnd: () => number) {
    this.disk = disk;
    this.path = path;
    this.logEnd = logEnd;
  }

  /**
   * Takes over what the file has; false if there is none, throws `corrupt-checkpoint` if it cannot be believed. `isDurable`: a clean
   * stop has made it so.
   */
  load(isDurable: boolean): boolean {
    const rows = readCheckpoint(this.disk, this.path);
    if (rows === undefined) return false;
    const entries = rows.map((row) => ({
      epoch: checkpointNumber(this.path, row[0]),
      startOffset: checkpointNumber(this.path, row[1]),
    }));
    for (let index = 1; index < entries.length; index++) {
      const before = entries[index - 1]!;
      const entry = entries[index]!;
      if (entry.epoch <= before.epoch || entry.startOffset < before.startOffset) {
        throw new LogError('corrupt-checkpoint', `${this.path}: epoch ${entry.epoch} is out of order`);
      }
    }
    this.entries = entries;
    this.saved = textOf(entries);
    this.isDurable = isDurable;
    return true;
  }

  /** Writes the file if it is behind. It is durable then. */
  save(): void {
    const entries = this.lasting();
    const text = textOf(entries);
    if (text === this.saved && this.isDurable) return;
    this.beforeSave();
    writeCheckpoint(
      this.disk,
      this.path,
      entries.map((entry) => [entry.epoch, entry.startOffset]),
    );
    this.saved = text;
    this.isDurable = true;
  }

  /** An epoch in which nothing was written is forgotten by the next start anyway. */
  protected lasting(): readonly EpochEntry[] {
    const end = this.logEnd();
    return this.entries.filter((entry) => entry.startOffset < end);
  }

  get latestEpoch(): number {
    return this.entries.at(-1)?.epoch ?? -1;
  }

  /** Returns whether anything changed. An epoch in which nothing was written gives way to the next at its offset. */
  assign(epoch: number, startOffset: number): boolean {
    if (epoch < 0 || epoch <= this.latestEpoch) return false;
    const kept = this.entries.filter((entry) => entry.startOffset < startOffset);
    this.change([...kept, { epoch, startOffset }]);
    return true;
  }

  endOffsetFor(epoch: number): { epoch: number; endOffset: number } {
    if (epoch < 0 || epoch > this.latestEpoch) return { epoch: -1, endOffset: -1 };
    if (epoch === this.latestEpoch) return { epoch, endOffset: this.logEnd() };
    const next = this.entries.findIndex((entry) => entry.epoch > epoch);
    return { epoch: this.entries[next - 1]?.epoch ?? epoch, endOffset: this.entries[next]!.startOffset };
  }

  epochAt(offset: number): number {
    return this.entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? -1;
  }

  /** The log now ends at `endOffset`: epochs that begin there or later are forgotten. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.entries.filter((entry) => entry.startOffset < endOffset);
    if (kept.length !== this.entries.length) this.change(kept);
  }

  /** The log now begins at `startOffset`: the epoch in force there begins there. */
  truncateFromStart(startOffset: number): void {
    const inForce = this.entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (inForce < 0 || (inForce === 0 && this.entries[0]!.startOffset === startOffset)) return;
    this.change([{ epoch: this.entries[inForce]!.epoch, startOffset }, ...this.entries.slice(inForce + 1)]);
  }

  clear(): void {
    if (this.entries.length > 0) this.change([]);
  }

  private change(entries: readonly EpochEntry[]): void {
    this.entries = entries;
  }
}

const textOf = (entries: readonly EpochEntry[]): string =>
  entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`).join();

/** Epochs of a copy's origin: the batches will bear ours, so nothing but the file can tell; each is saved at once. */
export class OriginEpochList extends EpochList {
  override assign(epoch: number, startOffset: number): boolean {
    const changed = super.assign(epoch, startOffset);
    this.save();
    return changed;
  }

  /** Written before the batch that begins it. */
  protected override lasting(): readonly EpochEntry[] {
    return this.entries;
  }
}

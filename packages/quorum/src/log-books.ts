/**
 * What the machine knows of the metadata log without reading it: where it begins and ends, how much of it is fsynced, and
 * where each leader epoch begins. Kept in step with the `append`, `truncate` and snapshot effects that the machine returns.
 * Invariant: epochs and their starts ascend strictly; every start lies in [startOffset, endOffset).
 */
import type { OffsetAndEpoch } from './messages.ts';

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface LogBooksOptions {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly epochs: readonly EpochStart[];
  /** The newest snapshot on disk. */
  readonly snapshot?: OffsetAndEpoch | undefined;
}

export type FetchCheck =
  | { readonly kind: 'valid' }
  | { readonly kind: 'diverging'; readonly at: OffsetAndEpoch }
  | { readonly kind: 'snapshot'; readonly snapshot: OffsetAndEpoch };

export class LogBooks {
  startOffset: number;
  endOffset: number;
  /** Below it everything is fsynced. What a node found at its start is. */
  durableEnd: number;
  snapshot: OffsetAndEpoch | undefined;
  /** Of the records below `startOffset`, as the snapshot there tells it; 0 at the very beginning. */
  private startEpoch: number;
  private epochs: EpochStart[];

  constructor({ startOffset, endOffset, epochs, snapshot }: LogBooksOptions) {
    this.startOffset = startOffset;
    this.endOffset = endOffset;
    this.durableEnd = endOffset;
    this.snapshot = snapshot;
    this.startEpoch = snapshot?.epoch ?? 0;
    this.epochs = [...epochs];
  }

  /** The end, by which two logs are compared: the one with the later epoch is newer, then the longer one. */
  get last(): OffsetAndEpoch {
    return { offset: this.endOffset, epoch: this.epochs.at(-1)?.epoch ?? this.startEpoch };
  }

  append(epoch: number, nextOffset: number): void {
    if (epoch > this.last.epoch || this.epochs.length === 0) this.epochs.push({ epoch, startOffset: this.endOffset });
    this.endOffset = nextOffset;
  }

  truncate(offset: number): void {
    this.endOffset = offset;
    this.durableEnd = Math.min(this.durableEnd, offset);
    this.epochs = this.epochs.filter(({ startOffset }) => startOffset < offset);
  }

  /** In place of everything. */
  install(snapshot: OffsetAndEpoch): void {
    this.snapshot = snapshot;
    this.startEpoch = snapshot.epoch;
    this.startOffset = this.endOffset = this.durableEnd = snapshot.offset;
    this.epochs = [];
  }

  /** A snapshot of ours lets the log begin later. */
  advanceStart(snapshot: OffsetAndEpoch): void {
    if (snapshot.offset <= this.startOffset) return;
    this.snapshot = snapshot;
    this.startEpoch = snapshot.epoch;
    this.startOffset = snapshot.offset;
    const before = this.epochs.findLast(({ startOffset }) => startOffset <= snapshot.offset);
    const later = this.epochs.filter(({ startOffset }) => startOffset > snapshot.offset);
    const isGoingOn = before !== undefined && snapshot.offset < this.endOffset;
    this.epochs = isGoingOn ? [{ epoch: before.epoch, startOffset: snapshot.offset }, ...later] : later;
  }

  /** The largest epoch up to `epoch` that the log has, and where it ends. */
  endOf(epoch: number): OffsetAndEpoch {
    const next = this.epochs.findIndex((each) => each.epoch > epoch);
    if (next === -1) return { offset: this.endOffset, epoch: this.last.epoch };
    if (next === 0) return { offset: this.startOffset, epoch: Math.min(epoch, this.startEpoch) };
    return { offset: this.epochs[next]!.startOffset, epoch: this.epochs[next - 1]!.epoch };
  }

  /** Whether a log that ends at `fetchOffset` in `epoch` is a beginning of this one. */
  check(fetchOffset: number, epoch: number): FetchCheck {
    if (fetchOffset === 0 && this.startOffset === 0) return { kind: 'valid' };
    const { snapshot } = this;
    if (snapshot !== undefined && this.startOffset > 0) {
      const isAtStart = fetchOffset === this.startOffset;
      const isBefore = fetchOffset < this.startOffset || epoch < this.startEpoch;
      if (isBefore || (isAtStart && epoch !== this.startEpoch)) return { kind: 'snapshot', snapshot };
    }
    const end = this.endOf(epoch);
    if (end.epoch === epoch && fetchOffset <= end.offset) return { kind: 'valid' };
    return { kind: 'diverging', at: end };
  }

  /** Where to cut, if the leader's log has `diverging` as the end of an epoch that is not above our last one. */
  cutFor(diverging: OffsetAndEpoch): number {
    const end = this.endOf(diverging.epoch);
    return end.epoch === diverging.epoch ? Math.min(end.offset, diverging.offset) : end.offset;
  }
}

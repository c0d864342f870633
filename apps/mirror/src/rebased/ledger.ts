/**
 * What a re-based task knows and has planned of its copy: the table of runs, what is on its way, how far it has come.
 * Owned by the machine. Invariant: a record is planned only where a run that is durable, or going to be before it is
 * sent, says so.
 */
import { RunTable, type Tenure } from '@meridian/coordinates';
import type { MirrorLimits } from '../limits.ts';
import { Outbox } from './outbox.ts';
import type { BatchMemory } from './planned-batch.ts';
import type { Found, RebasedEffect, Segment, SourceBatch } from './rebased-messages.ts';
import { recoverRuns } from './recover.ts';

type Limits = Pick<
  MirrorLimits,
  'batchesInFlight' | 'changesPerSave' | 'mergeInFlight' | 'mergeMaxBytes' | 'partitionInFlightBytes'
>;

export class Ledger {
  /** Planned runs included: what is answered to readers ends at `position`. */
  table = new RunTable();
  /** Below it every committed record is in the copy and acknowledged; −1: not known yet. */
  position = -1;
  /** Nothing has been copied or passed over yet. */
  isFresh = true;
  private readonly limits: Limits;
  private readonly memory: BatchMemory;
  private outbox: Outbox | undefined;
  private lastId = 0;
  /** What the target has taken so far, and twice as much after each fence. */
  private mergeMaxBytes: number;
  /** Up to here it is durable that the origin has nothing behind the last run. */
  private toldSkipped = 0;

  constructor(limits: Limits, memory: BatchMemory) {
    this.limits = limits;
    this.memory = memory;
    this.mergeMaxBytes = limits.mergeMaxBytes;
  }

  get isOpen(): boolean {
    return this.outbox !== undefined;
  }

  /** Nothing is planned that is not acknowledged. */
  get isEmpty(): boolean {
    return this.outbox?.isEmpty ?? true;
  }

  /** Nothing is in flight. */
  get isQuiet(): boolean {
    return this.outbox?.isQuiet ?? true;
  }

  get bytes(): number {
    return this.outbox?.sizeInBytes ?? 0;
  }

  get isFull(): boolean {
    return this.bytes >= this.limits.partitionInFlightBytes;
  }

  get hasRoom(): boolean {
    return this.bytes * 2 <= this.limits.partitionInFlightBytes;
  }

  get sentEnd(): number {
    return this.table.originEnd;
  }

  get oldestTimestampMs(): number | undefined {
    return this.outbox?.oldestTimestampMs;
  }

  /** Origin epoch of the last record planned or found; −1: none. */
  get lastEpoch(): number {
    return this.table.last?.originEpoch ?? -1;
  }

  /** The same if that record lies right before the end, else −1: a fetch can prove no more than that. */
  get epochAtEnd(): number {
    const { last } = this.table;
    return last !== undefined && last.originStart + last.count === this.table.originEnd ? last.originEpoch : -1;
  }

  /** The origin's end of the last record planned or found. */
  get dataEnd(): number {
    const { last } = this.table;
    return last === undefined ? 0 : last.originStart + last.count;
  }

  /** After a fence. Returns why nobody can know what the copy holds, or null. */
  open(found: Found, producer: Omit<Tenure, 'localStart'>): string | null {
    this.close();
    const recovery = recoverRuns(found);
    if (!recovery.isExact) return recovery.reason;
    this.table = RunTable.from(recovery.stored);
    const gone = this.table.trim(found.logStart);
    this.table.skip(0, found.logEnd);
    this.table.seal();
    const tenure = { ...producer, localStart: found.logEnd };
    const { limits, memory, mergeMaxBytes } = this;
    this.outbox = new Outbox(tenure, { ...limits, memory, mergeMaxBytes, newId: () => ++this.lastId });
    this.outbox.lastLanded = (found.lastBatch?.nextOffset ?? 0) - 1;
    for (const localStart of gone) this.outbox.change({ type: 'drop', localStart });
    for (const change of recovery.changes) this.outbox.change(change);
    this.toldSkipped = recovery.stored.skipped?.originEnd ?? 0;
    this.isFresh = this.table.last === undefined && recovery.stored.skipped === undefined;
    this.position = this.table.originEnd;
    return null;
  }

  /** What was planned and not acknowledged is forgotten; the log tells, after the next fence, what of it has landed. */
  close(): void {
    if (this.outbox !== undefined)
      this.mergeMaxBytes = Math.min(this.limits.mergeMaxBytes, 2 * this.outbox.mergeMaxBytes);
    this.outbox?.close();
    this.outbox = undefined;
  }

  /** A copy that has nothing begins here: what lies below is not wanted. */
  beginAt(originOffset: number): void {
    if (originOffset > 0) this.markLost(originOffset - 1);
    this.position = this.table.originEnd;
  }

  /** Batches of the origin in their order, and that nothing else lies below `nextOffset`. */
  plan(batches: readonly SourceBatch[], nextOffset: number): void {
    for (const batch of batches) if (batch.kind === 'data') this.planBatch(batch);
    this.table.skip(nextOffset, 0);
    this.advance();
  }

  /** Origin offsets up to `to`, included, never came; durable before anything behind them is sent, and soon. */
  lose(to: number): void {
    this.markLost(to);
    this.outbox!.hurry();
    this.advance();
  }

  /** Nothing has come for the moment: how far the origin is known to hold nothing more is put on record. */
  tellEnd(): boolean {
    const { originEnd } = this.table;
    if (this.outbox === undefined || !this.isEmpty || originEnd <= Math.max(this.toldSkipped, this.dataEnd))
      return false;
    this.tellSkipped();
    this.outbox.hurry();
    return true;
  }

  /**
   * The origin begins at `offset`: what lies below goes here too, but for the last record. Its batch, which tells where the
   * data ends, stays in the log as a whole, and whoever fetches at the log's start gets it.
   */
  follow(offset: number): RebasedEffect[] {
    const { outbox } = this;
    if (outbox === undefined || outbox.lastLanded < 0) return [];
    if (offset > this.dataEnd) this.tellEnd();
    const start = this.table.toLocal(offset);
    const wanted = start.status === 'behind' ? outbox.lastLanded : start.offset;
    const localStart = Math.min(wanted, outbox.lastLanded);
    if (localStart <= this.table.localStart) return this.send();
    for (const run of this.table.trim(localStart)) outbox.change({ type: 'drop', localStart: run });
    return [{ type: 'deleteRecords', localStart }, ...this.send()];
  }

  send(): RebasedEffect[] {
    return this.outbox?.send() ?? [];
  }

  saved(id: number): boolean {
    return this.outbox?.saved(id) ?? false;
  }

  /** `unknown`: nothing that is waited for. Else null, or why that cannot be. */
  produced(id: number, baseOffset: number): string | null | 'unknown' {
    const acknowledged = this.outbox?.produced(id);
    if (acknowledged === undefined) return 'unknown';
    const { localStart, originEnd } = acknowledged;
    if (baseOffset !== localStart) {
      return `somebody else writes to the copy: a batch for ${localStart} has landed at ${baseOffset}`;
    }
    this.position = Math.max(this.position, originEnd);
    this.advance();
    return null;
  }

  isFirst(id: number): boolean {
    return this.outbox?.isFirst(id) ?? false;
  }

  unanswered(id: number): boolean {
    return this.outbox?.unanswered(id) ?? false;
  }

  /** A batch that was too large goes in smaller ones. False: that cannot be. */
  split(id: number): boolean {
    return this.outbox?.split(id) ?? false;
  }

  /** Decides where the records of a batch are going to lie; below what is known they are here already. */
  private planBatch(batch: SourceBatch): void {
    const segments = batch.segments.flatMap((segment) => behind(segment, this.table.originEnd));
    if (segments.length === 0) return;
    const localStart = this.table.localEnd;
    for (const { originStart, count } of segments) {
      const run = { originEpoch: batch.epoch, originStart, localStart: this.table.localEnd, count };
      if (this.table.append(run) === undefined) continue;
      this.outbox!.change({ type: 'put', run: { ...run, count: 0, tenure: this.outbox!.tenure } });
    }
    const first = segments[0]!;
    const isWhole = first.originStart === batch.baseOffset && first.originStart + first.count === batch.nextOffset;
    this.outbox!.plan(batch, segments, isWhole, localStart);
  }

  private markLost(to: number): void {
    const range = { from: this.table.originEnd, to };
    this.table.lose(range);
    this.outbox!.change({ type: 'lost', range });
    this.tellSkipped();
  }

  private tellSkipped(): void {
    const { last, originEnd } = this.table;
    const localEnd = last === undefined ? 0 : last.localStart + last.count;
    this.outbox!.change({ type: 'skipped', originEnd, localEnd });
    this.toldSkipped = originEnd;
  }

  /** With nothing on its way, what was skipped is behind us as well. */
  private advance(): void {
    if (this.isEmpty) this.position = Math.max(this.position, this.table.originEnd);
  }
}

/** What of a segment lies at or behind an origin offset. */
function behind({ originStart, count }: Segment, offset: number): Segment[] {
  const from = Math.max(originStart, offset);
  const left = originStart + count - from;
  return left > 0 ? [{ originStart: from, count: left }] : [];
}

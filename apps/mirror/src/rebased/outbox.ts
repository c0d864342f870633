/**
 * What a re-based task has decided and not yet got acknowledged: changes of the table, and batches behind them. The task
 * plans batches into it and sends what is ready. Invariants: a batch is sent only after every change that was planned up
 * to it is durable; changes become durable, and batches land, in the order in which they were planned.
 *
 *   planned → (its changes saved, fewer than `batchesInFlight` before it) in flight → acknowledged
 *                                 ↑______ again, same sequence, after no answer ______|
 */
import { type RunChange, sequenceAt, type Tenure } from '@meridian/coordinates';
import type { Memory } from '@meridian/io';
import type { MirrorLimits } from '../limits.ts';
import type { ProduceEffect, RebasedEffect, Segment, SourceBatch } from './rebased-messages.ts';

interface Planned {
  id: number;
  readonly batch: SourceBatch;
  readonly segments: readonly Segment[];
  readonly isWhole: boolean;
  readonly localStart: number;
  /** Changes that must be durable before it. */
  readonly changesBefore: number;
}

export interface Acknowledged {
  readonly localStart: number;
  readonly originEnd: number;
}

/** Where fetched bytes lie: those of a planned batch are held until it has landed, or is planned no more. */
export type BytesHeld = Pick<Memory, 'hold' | 'release'>;

export interface OutboxOptions extends Pick<MirrorLimits, 'batchesInFlight' | 'changesPerSave'> {
  readonly memory: BytesHeld;
  newId(): number;
}

const NOT_IN_FLIGHT = 0;

export class Outbox {
  readonly tenure: Tenure;
  /** Planned and not yet acknowledged. */
  sizeInBytes = 0;
  /** Where the last batch that landed begins; −1: none so far. */
  lastLanded = -1;
  private readonly options: OutboxOptions;
  private batches: Planned[] = [];
  private changes: RunChange[] = [];
  private inFlight = 0;
  private savedChanges = 0;
  private saving = { id: NOT_IN_FLIGHT, count: 0 };
  /** Of the changes, so many are saved without a batch behind them. */
  private urgent = 0;

  constructor(tenure: Tenure, options: OutboxOptions) {
    this.tenure = tenure;
    this.options = options;
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  get isQuiet(): boolean {
    return this.saving.id === NOT_IN_FLIGHT && this.batches.every((batch) => batch.id === NOT_IN_FLIGHT);
  }

  /** Of the oldest record under way; undefined: nothing is. */
  get oldestTimestampMs(): number | undefined {
    return this.batches[0]?.batch.timestampMs;
  }

  change(change: RunChange): void {
    this.changes.push(change);
  }

  /** What has been changed so far does not wait for a batch. */
  hurry(): void {
    this.urgent = this.changes.length;
  }

  plan(batch: SourceBatch, segments: readonly Segment[], isWhole: boolean, localStart: number): void {
    const changesBefore = this.savedChanges + this.changes.length;
    this.batches.push({ id: NOT_IN_FLIGHT, batch, segments, isWhole, localStart, changesBefore });
    this.sizeInBytes += batch.sizeInBytes;
    this.options.memory.hold(batch.bytes);
  }

  /** Nothing that is planned goes out any more. */
  close(): void {
    for (const { batch } of this.batches) this.options.memory.release(batch.bytes);
    this.batches = [];
    this.inFlight = 0;
    this.sizeInBytes = 0;
  }

  /** What may go out now. One save at a time; changes without a batch behind them wait for one, or for `hurry`. */
  send(): RebasedEffect[] {
    const effects: RebasedEffect[] = [];
    const isWanted = this.changes.length > 0 && (!this.isEmpty || this.urgent > 0);
    if (this.saving.id === NOT_IN_FLIGHT && isWanted) effects.push(this.save());
    if (this.waitsForHalf) return effects;
    const open = Math.min(this.batches.length, this.options.batchesInFlight);
    for (let index = 0; index < open; index++) {
      const batch = this.batches[index]!;
      if (batch.changesBefore > this.savedChanges) break;
      if (batch.id !== NOT_IN_FLIGHT) continue;
      batch.id = this.options.newId();
      this.inFlight++;
      effects.push(this.produce(batch));
    }
    return effects;
  }

  /** Returns whether that is what was being saved. */
  saved(id: number): boolean {
    if (id !== this.saving.id) return false;
    this.changes = this.changes.slice(this.saving.count);
    this.savedChanges += this.saving.count;
    this.urgent = Math.max(0, this.urgent - this.saving.count);
    this.saving = { id: NOT_IN_FLIGHT, count: 0 };
    return true;
  }

  /** The answers of a partition may come out of order when one is sent again: those before it have landed, too. */
  produced(id: number): Acknowledged | undefined {
    const index = this.batches.findIndex((each) => each.id === id);
    const batch = this.batches[index];
    if (batch === undefined) return undefined;
    this.batches.splice(index, 1);
    this.inFlight--;
    this.options.memory.release(batch.batch.bytes);
    this.sizeInBytes -= batch.batch.sizeInBytes;
    this.lastLanded = Math.max(this.lastLanded, batch.localStart);
    const last = batch.segments.at(-1)!;
    return { localStart: batch.localStart, originEnd: last.originStart + last.count };
  }

  /** Nothing sent before it lacks its answer; then a sequence that the broker does not expect is no mere consequence. */
  isFirst(id: number): boolean {
    return id === this.saving.id || this.batches[0]?.id === id;
  }

  /** No answer: it goes out again, as it was. Returns whether it was in flight. */
  unanswered(id: number): boolean {
    if (id === this.saving.id) {
      this.saving.id = NOT_IN_FLIGHT;
      return true;
    }
    const batch = this.batches.find((each) => each.id === id);
    if (batch === undefined) return false;
    batch.id = NOT_IN_FLIGHT;
    this.inFlight--;
    return true;
  }

  /** With more to send than may be in flight, half of that leaves at a time: that costs fewer calls of the system. */
  private get waitsForHalf(): boolean {
    const { batchesInFlight } = this.options;
    return this.batches.length > batchesInFlight && this.inFlight * 2 > batchesInFlight;
  }

  /** What is sent again holds exactly what it held before, or the broker would not know it: hence the stored count. */
  private save(): RebasedEffect {
    const count = this.saving.count || Math.min(this.changes.length, this.options.changesPerSave);
    this.saving = { id: this.options.newId(), count };
    const { producerId, producerEpoch } = this.tenure;
    return {
      type: 'save',
      id: this.saving.id,
      changes: this.changes.slice(0, count),
      producerId,
      producerEpoch,
      baseSequence: this.savedChanges % 2 ** 31,
    };
  }

  private produce({ id, batch, segments, isWhole, localStart }: Planned): ProduceEffect {
    const { producerId, producerEpoch } = this.tenure;
    const baseSequence = sequenceAt(this.tenure, localStart);
    return { type: 'produce', id, batch, segments, isWhole, localStart, producerId, producerEpoch, baseSequence };
  }
}

/**
 * What a re-based task has decided and not yet got acknowledged: changes of the table, and batches behind them. The task
 * plans batches into it and sends what is ready. Invariants: a batch is sent only after every change that was planned up
 * to it is durable; changes become durable, and batches land, in the order in which they were planned.
 *
 *   planned → (its changes saved, its turn: those that wait behind it become part of it) in flight → acknowledged
 *      ↑                                                 ↑____ again, as it was, after no answer ____|
 *      |_____________________ in two halves, where it was too large ____________________________________|
 *
 * A batch goes at once while little is in flight; else it waits until it has grown as large as may be, or the next cannot
 * become part of it.
 */
import { type RunChange, sequenceAt, type Tenure } from '@meridian/coordinates';
import type { MirrorLimits } from '../limits.ts';
import {
  type BatchMemory,
  follows,
  halvesOf,
  isMergeable,
  mergedOf,
  NOT_IN_FLIGHT,
  type PlannedBatch,
  recordsOf,
} from './planned-batch.ts';
import type { ProduceEffect, RebasedEffect, Segment, SourceBatch } from './rebased-messages.ts';

export interface Acknowledged {
  readonly localStart: number;
  readonly originEnd: number;
}

type Limits = Pick<MirrorLimits, 'batchesInFlight' | 'changesPerSave' | 'mergeInFlight'>;

export interface OutboxOptions extends Limits {
  readonly memory: BatchMemory;
  /** What several batches may become together, so far as is known. */
  readonly mergeMaxBytes: number;
  newId(): number;
}

export class Outbox {
  readonly tenure: Tenure;
  /** Planned and not yet acknowledged. */
  sizeInBytes = 0;
  /** Where the last record that landed lies; −1: none so far. */
  lastLanded = -1;
  private readonly options: OutboxOptions;
  /** What is in flight, and what waits behind it. */
  private batches: PlannedBatch[] = [];
  private changes: RunChange[] = [];
  private inFlight = 0;
  private bytesInFlight = 0;
  private savedChanges = 0;
  private saving = { id: NOT_IN_FLIGHT, count: 0 };
  /** Of the changes, so many are saved without a batch behind them. */
  private urgent = 0;

  /** Less once a batch has been refused as too large. */
  mergeMaxBytes: number;
  /** The smallest that was. */
  private tooLargeBytes = Number.POSITIVE_INFINITY;

  constructor(tenure: Tenure, options: OutboxOptions) {
    this.tenure = tenure;
    this.options = options;
    this.mergeMaxBytes = options.mergeMaxBytes;
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
    this.batches.push({ id: NOT_IN_FLIGHT, batch, segments, isWhole, localStart, changesBefore, wasSent: false });
    this.sizeInBytes += batch.sizeInBytes;
    this.options.memory.hold(batch.bytes);
  }

  /** Nothing that is planned goes out any more. */
  close(): void {
    for (const { batch } of this.batches) this.options.memory.release(batch.bytes);
    this.batches = [];
    this.inFlight = this.bytesInFlight = 0;
    this.sizeInBytes = 0;
  }

  /** What may go out now. One save at a time; changes without a batch behind them wait for one, or for `hurry`. */
  send(): RebasedEffect[] {
    const effects: RebasedEffect[] = [];
    const isWanted = this.changes.length > 0 && (!this.isEmpty || this.urgent > 0);
    if (this.saving.id === NOT_IN_FLIGHT && isWanted) effects.push(this.save());
    if (this.waitsForHalf) return effects;
    for (let index = 0; index < this.batches.length && index < this.options.batchesInFlight; index++) {
      const batch = this.batches[index]!;
      if (batch.changesBefore > this.savedChanges) break;
      if (batch.id !== NOT_IN_FLIGHT) continue;
      if (!batch.wasSent) this.cut(index);
      if (!batch.wasSent && !this.grow(index)) break;
      effects.push(this.produce(this.batches[index]!));
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
    this.landed(batch);
    this.options.memory.release(batch.batch.bytes);
    this.sizeInBytes -= batch.batch.sizeInBytes;
    this.lastLanded = Math.max(this.lastLanded, batch.localStart + recordsOf(batch) - 1);
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
    this.landed(batch);
    return true;
  }

  /** It was too large for the target: its records go in two halves, and others become no larger. False: it has but one. */
  split(id: number): boolean {
    const index = this.batches.findIndex((each) => each.id === id);
    const batch = this.batches[index];
    if (batch === undefined || !this.halve(index)) return false;
    this.landed(batch);
    if (batch.isWhole) this.tooLargeBytes = Math.min(this.tooLargeBytes, batch.batch.sizeInBytes); // of a half it is a guess
    this.mergeMaxBytes = Math.min(this.mergeMaxBytes, Math.floor(this.tooLargeBytes / 2));
    return true;
  }

  /** What has been refused in this size need not be tried again. */
  private cut(index: number): void {
    let isHalved = true;
    while (isHalved && this.batches[index]!.batch.sizeInBytes >= this.tooLargeBytes) isHalved = this.halve(index);
  }

  private halve(index: number): boolean {
    const whole = this.batches[index]!;
    const halves = halvesOf(whole);
    if (halves === undefined) return false;
    this.options.memory.hold(whole.batch.bytes);
    this.batches.splice(index, 1, ...halves);
    return true;
  }

  private landed(batch: PlannedBatch): void {
    batch.id = NOT_IN_FLIGHT;
    this.inFlight--;
    this.bytesInFlight -= batch.batch.sizeInBytes;
  }

  /** What waits behind a batch becomes part of it. False: it stays, and may become larger. */
  private grow(index: number): boolean {
    const first = this.batches[index]!;
    if (!isMergeable(first)) return true;
    const end = this.mergeEnd(index);
    if (end === this.batches.length && this.isBusy) return false;
    if (end - index > 1) this.merge(index, this.batches.slice(index, end));
    return true;
  }

  /** Up to where batches may become one with the one at `index`. */
  private mergeEnd(index: number): number {
    let size = 0;
    for (let at = index; at < this.batches.length; at++) {
      const next = this.batches[at]!;
      size += next.batch.sizeInBytes;
      const isFitting = at === index || (size <= this.mergeMaxBytes && follows(this.batches[at - 1]!, next));
      if (!isFitting || !isMergeable(next) || next.changesBefore > this.savedChanges) return at;
    }
    return this.batches.length;
  }

  private merge(index: number, parts: readonly PlannedBatch[]): void {
    const { memory } = this.options;
    const made = memory.merge(
      parts.map(({ batch }) => batch),
      this.mergeMaxBytes,
    );
    if (made === undefined) return;
    const taken = parts.slice(0, made.count);
    const merged = mergedOf(taken, made.bytes);
    memory.hold(made.bytes);
    for (const { batch } of taken) {
      memory.release(batch.bytes);
      this.sizeInBytes -= batch.sizeInBytes;
    }
    this.sizeInBytes += merged.batch.sizeInBytes;
    this.batches.splice(index, made.count, merged);
  }

  /** So much is in flight that the way is used well. */
  private get isBusy(): boolean {
    return this.inFlight >= this.options.mergeInFlight || this.bytesInFlight >= this.mergeMaxBytes;
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

  private produce(planned: PlannedBatch): ProduceEffect {
    const { batch, segments, isWhole, localStart } = planned;
    const { producerId, producerEpoch } = this.tenure;
    const id = this.options.newId();
    planned.id = id;
    planned.wasSent = true;
    this.inFlight++;
    this.bytesInFlight += batch.sizeInBytes;
    const baseSequence = sequenceAt(this.tenure, localStart);
    return { type: 'produce', id, batch, segments, isWhole, localStart, producerId, producerEpoch, baseSequence };
  }
}

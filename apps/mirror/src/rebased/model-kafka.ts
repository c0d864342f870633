/**
 * An Apache Kafka target as far as the re-based task can tell: a data log, the runs topic, one transactional id. For
 * tests. It keeps the broker's rules: an older epoch is refused, a batch among the last five of its producer is
 * answered again, any other sequence but the next is refused. Invariant: like the broker's, its log only grows.
 */
import type { LostRange, RunChange, StoredRun } from '@meridian/coordinates';
import type { Found, LandedBatch, RebasedEffect, RebasedInput, Segment, SkippedTo } from './rebased-messages.ts';

type EffectOf<T extends RebasedEffect['type']> = Extract<RebasedEffect, { type: T }>;
type Verdict = { readonly baseOffset: number } | 'superseded' | 'sequence' | 'too-large';

const PRODUCER_ID = 77;
const REMEMBERED = 5;

class ProducerState {
  private epoch = -1;
  private last: { sequence: number; count: number; baseOffset: number }[] = [];

  mark(epoch: number): void {
    this.epoch = epoch;
    this.last = [];
  }

  check(epoch: number, sequence: number, count: number, logEnd: number): Verdict | 'append' {
    if (epoch < this.epoch) return 'superseded';
    const before = this.last.find((each) => each.sequence === sequence && each.count === count);
    if (before !== undefined) return { baseOffset: before.baseOffset };
    const newest = this.last.at(-1);
    if (sequence !== (newest === undefined ? 0 : newest.sequence + newest.count)) return 'sequence';
    this.last = [...this.last, { sequence, count, baseOffset: logEnd }].slice(-REMEMBERED);
    return 'append';
  }
}

export class ModelKafka {
  /** Origin offset per local offset: null for a marker, −1 for a record of somebody else. */
  readonly log: (number | null)[] = [];
  private readonly batches: LandedBatch[] = [];
  private readonly runs = new Map<number, StoredRun>();
  private readonly lost = new Map<number, LostRange>();
  private skipped: SkippedTo | null = null;
  private readonly data = new ProducerState();
  private readonly table = new ProducerState();
  private epoch = -1;
  /** Records of one batch that it takes. */
  private readonly mostRecords: number;

  constructor(mostRecords = Number.POSITIVE_INFINITY) {
    this.mostRecords = mostRecords;
  }

  /** InitProducerId: from now on the coordinator knows this epoch only. */
  bump(): number {
    return ++this.epoch;
  }

  /** The marker of the aborted transaction; false: a later task has bumped the epoch. */
  mark(where: 'table' | 'data', epoch: number): boolean {
    if (epoch !== this.epoch) return false;
    this[where].mark(epoch);
    if (where === 'data') this.log.push(null);
    return true;
  }

  fenced(epoch: number): RebasedInput {
    return { type: 'fenced', producerId: PRODUCER_ID, producerEpoch: epoch, copyEpoch: 0 };
  }

  find(): Found {
    const lastBatch = this.batches.at(-1) ?? null;
    const runs = [...this.runs.values()];
    return {
      runs,
      lost: [...this.lost.values()],
      skipped: this.skipped,
      lastBatch,
      logStart: 0,
      logEnd: this.log.length,
    };
  }

  serve(effect: EffectOf<'save'> | EffectOf<'produce'>): RebasedInput {
    const { id } = effect;
    const verdict = effect.type === 'save' ? this.save(effect) : this.produce(effect);
    if (typeof verdict === 'string') return { type: 'refused', id, kind: verdict, reason: verdict };
    return effect.type === 'save' ? { type: 'saved', id } : { type: 'produced', id, baseOffset: verdict.baseOffset };
  }

  /** Another producer, which no epoch of ours fences. */
  intrude(): void {
    const baseOffset = this.log.push(-1) - 1;
    this.batches.push({ baseOffset, nextOffset: baseOffset + 1, producerId: 5, producerEpoch: 0, baseSequence: 0 });
  }

  private save({ changes, producerEpoch, baseSequence }: EffectOf<'save'>): Verdict {
    const verdict = this.table.check(producerEpoch, baseSequence, changes.length, 0);
    if (verdict !== 'append') return verdict;
    for (const change of changes) this.apply(change);
    return { baseOffset: 0 };
  }

  private apply(change: RunChange): void {
    if (change.type === 'put') this.runs.set(change.run.localStart, change.run);
    else if (change.type === 'drop') this.runs.delete(change.localStart);
    else if (change.type === 'lost') this.lost.set(change.range.from, change.range);
    else if (change.type === 'dropLost') this.lost.delete(change.from);
    else this.skipped = change.type === 'skipped' ? change : null;
  }

  private produce({ segments, producerId, producerEpoch, baseSequence }: EffectOf<'produce'>): Verdict {
    const offsets = segments.flatMap(offsetsOf);
    if (offsets.length > this.mostRecords) return 'too-large';
    const baseOffset = this.log.length;
    const verdict = this.data.check(producerEpoch, baseSequence, offsets.length, baseOffset);
    if (verdict !== 'append') return verdict;
    this.log.push(...offsets);
    this.batches.push({ baseOffset, nextOffset: this.log.length, producerId, producerEpoch, baseSequence });
    return { baseOffset };
  }
}

const offsetsOf = ({ originStart, count }: Segment): number[] =>
  Array.from({ length: count }, (_, index) => originStart + index);

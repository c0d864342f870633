/**
 * Where the copy stands in the origin's log, and how far that is proved by leader epochs. Owned by the partition's
 * machine, which asks what to do next. Invariant: what has no epoch at its end (a hole, a gap) is not taken for proved
 * before somebody who knows has been asked.
 */
import type { LostRange } from '../gaps/gap-record.ts';
import { divergence, overrun, type Proof, shortened } from './loss.ts';
import type { TaskEffect, TaskInput } from './messages.ts';

export type Step =
  | { readonly kind: 'lost'; readonly lost: LostRange }
  | { readonly kind: 'prove'; readonly epoch: number }
  | { readonly kind: 'fetch'; readonly offset: number };

export class Place {
  /** Origin epoch of the last record sent or found; −1: none. */
  lastEpoch = -1;
  verifiedOffset = -1;
  private readonly startOffset: number;
  /** Where the copy begins, or is about to. */
  private copyStart = 0;
  /** Of the leader that told of the hole before the end, or `lastEpoch` if a record is there. */
  private endEpoch = -1;
  private leaderEpoch = -1;
  /** Below, everything that is not in the copy is on record as lost. */
  private lostEnd = 0;

  /** `startOffset`: where a copy without records begins. */
  constructor(startOffset: number) {
    this.startOffset = startOffset;
  }

  located(input: Extract<TaskInput, { type: 'located' }>): Step {
    const { targetEnd, lastEpoch, sourceStart, sourceEnd } = input;
    this.copyStart = input.copyStart;
    this.lastEpoch = this.endEpoch = lastEpoch;
    const wanted = Math.max(targetEnd, this.startOffset, this.lostEnd);
    const lost = overrun(wanted, sourceStart, lastEpoch);
    if (lost !== undefined) return { kind: 'lost', lost };
    if (lastEpoch >= 0) return { kind: 'prove', epoch: lastEpoch };
    const missing = shortened(targetEnd, sourceEnd);
    if (missing !== undefined) return { kind: 'lost', lost: missing };
    return { kind: 'fetch', offset: Math.max(targetEnd, Math.min(wanted, sourceEnd)) };
  }

  /** The leader of a hole may have written nothing: then an older epoch goes as far, or that of our last record. */
  proved(proof: Proof, copyEnd: number): Step {
    if (proof.epoch < this.lastEpoch && this.endEpoch !== this.lastEpoch) {
      this.endEpoch = this.lastEpoch;
      return { kind: 'prove', epoch: this.lastEpoch };
    }
    const lost = divergence(copyEnd, this.lastEpoch, proof);
    if (lost !== undefined) return { kind: 'lost', lost };
    this.verifiedOffset = copyEnd;
    return { kind: 'fetch', offset: Math.max(copyEnd, this.lostEnd) };
  }

  /** The first epoch seen was proved before fetching began; a later one may be a leader that lost our records. */
  ledBy(leaderEpoch: number): Step | undefined {
    const isFirst = this.leaderEpoch < 0;
    this.leaderEpoch = leaderEpoch;
    return isFirst || this.lastEpoch < 0 ? undefined : { kind: 'prove', epoch: this.endEpoch };
  }

  /** A record of this epoch is the copy's last from now on. */
  endsIn(epoch: number): void {
    this.lastEpoch = this.endEpoch = epoch;
  }

  /** The copy's end goes on without a record. */
  endsInHole(): void {
    if (this.lastEpoch >= 0) this.endEpoch = Math.max(this.leaderEpoch, this.lastEpoch);
  }

  /** What lies before `offset` and is not here is lost, and on record. */
  goesBehind(offset: number): void {
    this.lostEnd = offset;
    this.endsInHole();
  }

  /** A copy that ends there has not come behind the range that is on record as lost. */
  isBeforeGap(copyEnd: number): boolean {
    return this.lastEpoch >= 0 && copyEnd < this.lostEnd;
  }

  /** An answer to a fetch proves, by the epoch sent along, everything below the offset that was asked for. */
  answered(copyEnd: number): void {
    if (this.epochToSend >= 0) this.verifiedOffset = copyEnd;
  }

  /** Whether a fetch can prove our place: behind a hole only `prove` can, whenever the leader epoch changes. */
  get epochToSend(): number {
    return this.endEpoch === this.lastEpoch ? this.lastEpoch : -1;
  }

  /** The origin begins at `sourceStart`: so does the copy, as soon as it reaches that far. */
  follow(sourceStart: number, copyEnd: number): TaskEffect[] {
    const offset = Math.max(sourceStart, this.startOffset);
    if (offset <= this.copyStart || offset > copyEnd) return [];
    this.copyStart = offset;
    return [{ type: 'advanceStart', offset }];
  }
}

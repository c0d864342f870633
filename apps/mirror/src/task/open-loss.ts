/**
 * The lost range that a partition stands before: from when it is found until it is on record and somebody (the topic's
 * policy, or a person) has said what becomes of it. A part of the machines of both engines.
 * Invariant: a decision that comes while the range is being put on record is on record, too, before it is acted on.
 */
import { treatmentOf } from '../gaps/gap-policy.ts';
import type { GapPolicy, LostRange } from '../gaps/gap-record.ts';

/** Answered by input `recorded` or `unrecorded`. `policy` undefined: as the topic's policy says. */
export interface RecordGap {
  readonly type: 'recordGap';
  readonly lost: LostRange;
  readonly policy: GapPolicy | undefined;
}

export class OpenLoss {
  lost: LostRange | null = null;
  /** Against the topic's policy. */
  private decision: GapPolicy | undefined;
  private treatment: GapPolicy | undefined;

  found(lost: LostRange): void {
    this.lost = lost;
    this.decision = this.treatment = undefined;
  }

  /** Only of a range that is open: whoever decides sees it. */
  decide(policy: GapPolicy): void {
    this.decision = policy;
  }

  /** What is to be put on record now. */
  record(): RecordGap {
    this.treatment = undefined;
    return { type: 'recordGap', lost: this.lost!, policy: this.decision };
  }

  /** What is done about it; undefined: another decision has come meanwhile, and is to be put on record first. */
  recorded(policy: GapPolicy): GapPolicy | undefined {
    if (this.decision !== undefined && this.decision !== policy) return undefined;
    this.treatment = treatmentOf(this.lost!, policy);
    return this.treatment;
  }

  /** For people: why nothing is copied. */
  get reason(): string {
    const { reason } = this.lost!;
    return this.treatment === 'new-incarnation' ? `${reason}; the copy is begun anew` : reason;
  }

  close(): void {
    this.lost = null;
    this.decision = this.treatment = undefined;
  }
}

/**
 * What was appended to one partition of a crash scene, and what its log has promised: made and fed by `log-scene.ts`,
 * held against recovered logs by `check-served.ts`.
 * Invariant: a batch is in the model before the log is given it, so that no image knows more than the model.
 */
import type { Log } from '@meridian/log';

export interface AppendedBatch {
  readonly offset: number;
  readonly nextOffset: number;
  /** The log's own buffer, in which it stamps its epoch. */
  readonly bytes: Buffer;
}

export interface PartitionKind {
  readonly topic: string;
  readonly isCompacted: boolean;
  /** Batches bring the epochs of another region. */
  readonly isMirrored: boolean;
}

/** What an image of this moment may and must contain. */
export interface Expected extends PartitionKind {
  readonly topicId: string;
  readonly batches: readonly AppendedBatch[];
  /** Every batch that was ever there, those too that were cut off since. */
  readonly ever: ReadonlyMap<number, readonly Buffer[]>;
  /** Below it everything was durable, as the log said. */
  readonly durableEnd: number;
  /** Below it everything was written. */
  readonly writtenEnd: number;
  /** The log begins here at most. */
  readonly maxStart: number;
  /** The topic is being deleted: its folder may be gone. */
  readonly mayBeGone: boolean;
}

export class PartitionModel {
  readonly kind: PartitionKind;
  readonly topicId: string;
  batches: AppendedBatch[] = [];
  readonly ever = new Map<number, Buffer[]>();
  log: Log | undefined;
  leaderEpoch = 1;
  originEpoch = 1;
  /** The next sequence of each producer. */
  readonly sequences = new Map<number, number>();
  readonly openTransactions = new Set<number>();
  mayBeGone = false;
  /** Where the start is about to be moved; −1 when it is not. */
  movingStartTo = -1;
  /** Of the log that was open last. */
  lastStart = 0;
  private durableEnd = 0;
  private writtenEnd = 0;
  /** Offset that a cut under way will leave; infinite when there is none. */
  private cutAt = Number.POSITIVE_INFINITY;

  constructor(kind: PartitionKind, topicId: string) {
    this.kind = kind;
    this.topicId = topicId;
  }

  /** Of a log that was recovered, to append to. */
  static from(expected: Expected, log: Log): PartitionModel {
    const model = new PartitionModel(expected, expected.topicId);
    for (const { offset, nextOffset, bytes } of expected.batches) {
      if (nextOffset <= log.endOffset) model.add(offset, nextOffset, bytes);
    }
    for (const [offset, all] of expected.ever) model.ever.set(offset, [...all]);
    model.lastStart = expected.maxStart;
    model.log = log;
    return model;
  }

  get end(): number {
    return this.log?.endOffset ?? this.batches.at(-1)?.nextOffset ?? 0;
  }

  add(offset: number, nextOffset: number, bytes: Buffer): void {
    this.batches.push({ offset, nextOffset, bytes });
    const ever = this.ever.get(offset);
    if (ever === undefined) this.ever.set(offset, [bytes]);
    else ever.push(bytes);
  }

  /** Cuts the log by `cut`, during which old and new state are both right. */
  cutWith(offset: number, cut: () => void): void {
    this.notePromises();
    this.cutAt = this.batches.findLast(({ nextOffset }) => nextOffset <= offset)?.nextOffset ?? 0;
    cut();
    this.cutTo(this.end);
  }

  /** The log ends here now. */
  cutTo(end: number): void {
    this.batches = this.batches.filter(({ nextOffset }) => nextOffset <= end);
    this.durableEnd = Math.min(this.durableEnd, end);
    this.writtenEnd = Math.min(this.writtenEnd, end);
    this.cutAt = Number.POSITIVE_INFINITY;
  }

  /** Takes note of what the log promises, before it is lost from sight. */
  notePromises(): void {
    if (this.log === undefined) return;
    this.durableEnd = Math.max(this.durableEnd, this.log.durableEnd);
    this.writtenEnd = Math.max(this.writtenEnd, this.log.writtenEnd);
  }

  /** What was written and not durable is no longer promised. */
  lostPower(): void {
    this.writtenEnd = this.durableEnd;
  }

  expected(): Expected {
    this.notePromises();
    const { topic, isCompacted, isMirrored } = this.kind;
    return {
      topic,
      isCompacted,
      isMirrored,
      topicId: this.topicId,
      batches: [...this.batches],
      ever: new Map([...this.ever].map(([offset, all]) => [offset, [...all]])),
      durableEnd: Math.min(this.durableEnd, this.cutAt),
      writtenEnd: Math.min(this.writtenEnd, this.cutAt),
      maxStart: Math.max(this.log?.startOffset ?? 0, this.movingStartTo, this.lastStart),
      mayBeGone: this.mayBeGone,
    };
  }
}

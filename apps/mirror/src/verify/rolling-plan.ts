/**
 * Which partition's newest records are compared next: those of the link in turn, one window at a time, so that the cost is
 * bounded whatever flows. Pure; asked by `link-verifier.ts`.
 *
 *   first seen                 begins where the copy is then: what was there before, `verify` compares
 *   nothing new                passed over
 *   further behind than `backlogOffsets`   goes on one window below the end; what lies between is not looked at
 *
 * Invariant: a partition waits for no more turns than there are others with something new.
 */
export interface RollingPartition {
  /** Names the copy of this incarnation. */
  readonly key: string;
  /** Everything below is in the copy; negative: not known. */
  readonly position: number;
}

export interface RollingBounds {
  readonly windowOffsets: number;
  readonly backlogOffsets: number;
}

export class RollingPlan {
  private readonly bounds: RollingBounds;
  private comparedTo = new Map<string, number>();
  private turn = 0;

  constructor(bounds: RollingBounds) {
    this.bounds = bounds;
  }

  /** The place in `partitions` of the one that is due, and where its window begins; undefined: nothing is new. */
  next(partitions: readonly RollingPartition[]): { index: number; from: number } | undefined {
    this.follow(partitions);
    const { windowOffsets, backlogOffsets } = this.bounds;
    for (let count = 0; count < partitions.length; count++) {
      const index = this.turn++ % partitions.length;
      const { key, position } = partitions[index]!;
      const from = this.comparedTo.get(key) ?? position;
      if (position <= from) continue;
      return { index, from: position - from > backlogOffsets ? position - windowOffsets : from };
    }
    return undefined;
  }

  /** Up to here, by one window or another. */
  compared(key: string, end: number): void {
    this.comparedTo.set(key, end);
  }

  private follow(partitions: readonly RollingPartition[]): void {
    const known = this.comparedTo;
    if (known.size > 2 * partitions.length + 16) {
      this.comparedTo = new Map(partitions.flatMap(({ key }) => (known.has(key) ? [[key, known.get(key)!]] : [])));
    }
    for (const { key, position } of partitions) {
      const before = this.comparedTo.get(key);
      if (position >= 0 && (before === undefined || before > position)) this.comparedTo.set(key, position);
    }
  }
}

/**
 * What a compacted topic may lack: each region's cleaner goes its own way, so a record that only one side has is a
 * difference if it is the last of its key and bears a value. Kept over all of a partition's verification.
 * Invariant: what cannot be decided, since there are too many keys, is counted and never called equal.
 */
import type { Difference, RecordDigest } from './record-digest.ts';

export class CompactionLedger {
  private readonly lastOf = new Map<string, number>();
  private readonly suspects = new Map<string, Difference>();
  private readonly maxKeys: number;
  /** Records of keys that did not fit. */
  undecided = 0;

  constructor(maxKeys: number) {
    this.maxKeys = maxKeys;
  }

  /** Every record of either side, in the order of offsets. */
  see({ key, offset }: RecordDigest): void {
    if (key === null) return;
    if (this.lastOf.size >= this.maxKeys && !this.lastOf.has(key)) this.undecided++;
    else this.lastOf.set(key, offset);
  }

  /** Whether it is a difference already, whatever comes. */
  isDifference(difference: Difference): boolean {
    const { kind, record } = difference;
    if (kind === 'different' || record.key === null) return true;
    if (record.hasValue) this.suspects.set(record.key, difference);
    return false;
  }

  /** The first one that no later record of its key has excused. */
  first(): Difference | undefined {
    let first: Difference | undefined;
    for (const [key, difference] of this.suspects)
      if (this.lastOf.get(key) === difference.offset && difference.offset < (first?.offset ?? Number.POSITIVE_INFINITY))
        first = difference;
    return first;
  }
}

/**
 * The origin's leader epochs of one copy, as far as they are known: which epoch an offset was written in. Entries come
 * with fetch answers. Invariant: ascending in both epoch and offset.
 */
import type { EpochStart } from '../broker/broker-port.ts';

export class OriginEpochs {
  private readonly entries: EpochStart[] = [];

  /** Takes in entries, in any portion of the list; what is known already is left alone. */
  add(entries: readonly EpochStart[]): void {
    for (const entry of entries) {
      const last = this.entries.at(-1);
      if (last === undefined || entry.epoch > last.epoch) this.entries.push(entry);
    }
  }

  /** −1 if the offset lies before everything that is known. */
  epochAt(offset: number): number {
    for (let at = this.entries.length - 1; at >= 0; at--) {
      const entry = this.entries[at] as EpochStart;
      if (entry.startOffset <= offset) return entry.epoch;
    }
    return -1;
  }

  /** Infinite if that epoch has not begun, as far as is known. */
  startOf(epoch: number): number {
    return this.entries.findLast((entry) => entry.epoch === epoch)?.startOffset ?? Number.POSITIVE_INFINITY;
  }

  /** The largest epoch ≤ `epoch`, and where it ends: where the next one begins, or the log's end. */
  endOf(epoch: number, logEnd: number): { epoch: number; endOffset: number } | undefined {
    for (let at = this.entries.length - 1; at >= 0; at--) {
      const entry = this.entries[at] as EpochStart;
      if (entry.epoch <= epoch) return { epoch: entry.epoch, endOffset: this.entries[at + 1]?.startOffset ?? logEnd };
    }
    return undefined;
  }
}

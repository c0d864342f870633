/**
 * Offsets that were committed in transactions whose end has not come yet, by producer. Filled by `replay.ts`, kept by the
 * shard afterwards.
 * Invariant: they count for nobody until their commit marker, and are gone with an abort marker.
 */
import type { KnownGroupRecord } from './group-records.ts';

export class PendingOffsets {
  readonly #byProducer = new Map<number, KnownGroupRecord[]>();

  hold(producerId: number, record: KnownGroupRecord): void {
    const held = this.#byProducer.get(producerId);
    if (held === undefined) this.#byProducer.set(producerId, [record]);
    else held.push(record);
  }

  /** What the producer's transaction has written; it has ended. */
  take(producerId: number): readonly KnownGroupRecord[] {
    const held = this.#byProducer.get(producerId) ?? [];
    this.#byProducer.delete(producerId);
    return held;
  }

  /** Whether a transaction may yet change this offset of the group; any of the group's, without a partition. */
  has(groupId: string, at?: { readonly topic: string; readonly partition: number }): boolean {
    for (const records of this.#byProducer.values()) {
      if (records.some((record) => record.kind === 'offset' && record.groupId === groupId && isAt(record, at)))
        return true;
    }
    return false;
  }
}

function isAt(
  record: { readonly topic: string; readonly partition: number },
  at: { readonly topic: string; readonly partition: number } | undefined,
): boolean {
  return at === undefined || (record.topic === at.topic && record.partition === at.partition);
}

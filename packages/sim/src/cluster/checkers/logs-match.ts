/** I3: at an offset that two replicas have with the same epoch they hold the same bytes, and at the end of a run all are equal. */
import type { StoredBatch, StoredReplica } from '../stored-replica.ts';

/** `replicas` are those of one partition. `complete`: the run is over, and none may lack what another has. */
export function logsMatch(replicas: readonly StoredReplica[], complete: boolean): string[] {
  const [first, ...others] = replicas;
  if (first === undefined) return [];
  return others.flatMap((other) => {
    const what = difference(first, other, complete);
    return what === undefined
      ? []
      : [`${first.topic}-${first.index} of nodes ${first.nodeId} and ${other.nodeId}: ${what}`];
  });
}

function difference(a: StoredReplica, b: StoredReplica, complete: boolean): string | undefined {
  if (complete && a.logEnd !== b.logEnd) return `one ends at ${a.logEnd}, the other at ${b.logEnd}`;
  const start = Math.max(a.logStart, b.logStart);
  const theirs = new Map(b.batches.map((batch) => [batch.offset, batch]));
  for (const batch of a.batches) {
    if (batch.offset < start) continue;
    const twin = theirs.get(batch.offset);
    if (twin === undefined && !complete) continue;
    if (twin === undefined) return `one has a batch at ${batch.offset}, the other has none there`;
    if (twin.epoch !== batch.epoch && !complete) continue;
    if (!same(batch, twin)) return `the batches at ${batch.offset} differ (epochs ${batch.epoch} and ${twin.epoch})`;
  }
  return undefined;
}

function same(a: StoredBatch, b: StoredBatch): boolean {
  return a.epoch === b.epoch && a.bytes.equals(b.bytes);
}

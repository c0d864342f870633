/** I1 at the end of a run: a replica has every acknowledged record at its offset, every value once, and each writer's in its order. */
import type { PartitionHistory } from '../history.ts';
import { recordsOf, type StoredRecord, type StoredReplica } from '../stored-replica.ts';

export function acknowledgedKept(replica: StoredReplica, history: PartitionHistory): string[] {
  const place = `node ${replica.nodeId}, ${replica.topic}-${replica.index}`;
  const records = recordsOf(replica.batches);
  const stored = new Map(records.map(({ offset, value }) => [offset, value]));
  const due = history.acknowledged.filter(({ offset }) => offset >= replica.logStart);
  const lost = due.filter(({ offset, value }) => stored.get(offset) !== value);
  const readOnly = [...history.read].filter(
    ([offset, value]) => offset >= replica.logStart && stored.get(offset) !== value,
  );
  return [
    ...lost.slice(0, 1).map(({ offset, value }) => {
      const found = JSON.stringify(stored.get(offset));
      return `${place}: ${lost.length} acknowledged records are lost, the first is ${value} at ${offset}, where ${found} is`;
    }),
    ...readOnly
      .slice(0, 1)
      .map(([offset, value]) => `${place}: ${value}, read by a consumer at ${offset}, is not there`),
    ...twice(records).map((what) => `${place}: ${what}`),
    ...outOfOrder(records).map((what) => `${place}: ${what}`),
  ];
}

function twice(records: readonly StoredRecord[]): string[] {
  const seen = new Map<string, number>();
  for (const { offset, value } of records) {
    const name = nameOf(value);
    const first = seen.get(name);
    if (first !== undefined) return [`${name} is stored at ${first} and again at ${offset}`];
    seen.set(name, offset);
  }
  return [];
}

function outOfOrder(records: readonly StoredRecord[]): string[] {
  const last = new Map<string, number>();
  for (const { offset, value } of records) {
    const [writer = '', count = ''] = nameOf(value).split(':');
    if (Number(count) <= (last.get(writer) ?? -1))
      return [`${nameOf(value)} at ${offset} stands behind ${last.get(writer)}`];
    last.set(writer, Number(count));
  }
  return [];
}

/** A value is `writer:count`, a space and padding. */
export const nameOf = (value: string): string => value.split(' ', 1)[0]!;

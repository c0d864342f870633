/** A copy holds the same batches as its origin, byte for byte but for the leader epoch that each region stamps. */
import type { StoredPartition } from '../stored.ts';
import type { Checker } from './checker.ts';

const EPOCH_AT = 12;
const EPOCH_END = 16;

export const copiesEqualOrigins: Checker = ({ origins, copies }) =>
  copies.flatMap(({ origin, stored }) => {
    const born = origins.find(({ at, partition }) => at === origin && partition === stored.partition);
    const place = `copy of ${origin}-${stored.partition} at ${stored.at}`;
    if (born === undefined) return [`${place}: no origin`];
    const [a, b] = [contentOf(born), contentOf(stored)];
    return a.equals(b) ? [] : [`${place} differs: ${a.length} bytes at the origin, ${b.length} in the copy`];
  });

function contentOf({ batches }: StoredPartition): Buffer {
  return Buffer.concat(batches.map((batch) => Buffer.from(batch).fill(0, EPOCH_AT, EPOCH_END)));
}

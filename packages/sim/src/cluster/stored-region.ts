/** All that a region at rest has stored, and the checkers that compare it with what clients were told. */
import { createHash } from 'node:crypto';
import { acknowledgedKept } from './checkers/acknowledged-kept.ts';
import { logsMatch } from './checkers/logs-match.ts';
import { soundBatches } from './checkers/sound-batches.ts';
import type { History } from './history.ts';
import type { Region } from './region.ts';
import { readBatches, type StoredReplica } from './stored-replica.ts';
import type { Watch } from './watch.ts';

export function storedReplicas({ brokers }: Region, watch: Watch): StoredReplica[] {
  return brokers.flatMap((slot) =>
    [...watch.hosted(slot)].map(({ topic, index, logStart, logEnd, log }) => {
      return { nodeId: slot.plan.id, topic, index, logStart, logEnd, batches: readBatches(log) };
    }),
  );
}

export function checkStored(replicas: readonly StoredReplica[], history: History): string[] {
  const byPartition = Map.groupBy(replicas, ({ topic, index }) => `${topic}-${index}`);
  const violations = [...byPartition.values()].flatMap((of) => logsMatch(of, !isCompacted(of[0]!.topic)));
  for (const replica of replicas) {
    const unsound = soundBatches(replica);
    violations.push(...unsound);
    if (unsound.length > 0) continue; // its records cannot be read
    const promised = history.partitions.get(`${replica.topic}-${replica.index}`);
    if (promised !== undefined) violations.push(...acknowledgedKept(replica, promised));
  }
  return violations;
}

/** Each replica cleans for itself. */
const isCompacted = (topic: string): boolean => topic.startsWith('__');

/** In an order of its own: a node that begins from a snapshot may list its partitions otherwise. */
export function storedDigest(replicas: readonly StoredReplica[]): string {
  const hash = createHash('sha256');
  const placeOf = ({ nodeId, topic, index }: StoredReplica): string => `${nodeId}/${topic}-${index}`;
  for (const replica of replicas.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))) {
    const { topic, batches } = replica;
    if (isCompacted(topic)) continue;
    hash.update(`${placeOf(replica)}/${batches.length}`);
    for (const { bytes } of batches) hash.update(bytes);
  }
  return hash.digest('hex');
}

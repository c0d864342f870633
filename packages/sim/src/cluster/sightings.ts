/**
 * Rare situations that a campaign must have been in, each with a counter: without them a run without violations says
 * little. Seen from the moves of replicas and images, and told by clients and logs.
 * Invariant: counting changes nothing in a run; a name that is not in the table is a bug.
 */

import type { Watcher } from './checkers/watcher.ts';
import type { NodeState, PartitionState, ReplicaState } from './views.ts';
import { partitionKey } from './views.ts';

export const SIGHTINGS = [
  'a leader changes with an unacknowledged tail',
  'a follower truncates',
  'a follower truncates over more than one epoch',
  'a leader is elected from the ELR',
  'an ELR is there',
  'nobody is known to have all, and the last leader comes back',
  'a partition is without a leader',
  'the high watermark waits for more in-sync replicas',
  'recovery cuts off a torn batch',
  'a fenced broker comes back as it was',
  'an AlterPartition is refused as stale',
  'the controller changes with commands under way',
  'an election takes more than one epoch',
  'a snapshot is downloaded',
  'a node starts from a snapshot',
  'a voter comes back to a newer epoch',
  'a new leader knows a batch again',
  'a group moves to another coordinator',
  'a group rebalances',
  'replicas change while a broker is fenced',
  'a disk is full',
  'a clean stop ends cleanly',
  'a topic is deleted while a replica is away',
  'a write is refused for too few in-sync replicas',
  'voters change',
] as const;

export type Sighting = (typeof SIGHTINGS)[number];

export class Sightings {
  readonly counts = new Map<Sighting, number>();

  see(what: Sighting): void {
    this.note(what, 1);
  }

  note(what: Sighting, times: number): void {
    if (times > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }
}

/** What can be seen from outside; `commandsUnderWay`: of administrators. */
export function sightingWatcher(sightings: Sightings, commandsUnderWay: () => number): Watcher {
  const leaders = new Map<string, ReplicaState>();
  const partitions = new Map<string, PartitionState>();
  const brokers = new Map<number, { epoch: number; fenced: boolean }>();
  /** Registrations that were unfenced once. */
  const served = new Set<string>();
  let controllerEpoch = 0;
  return {
    replicaMoved(now, before) {
      if (before !== undefined && before.boot === now.boot && now.logEnd < before.logEnd)
        truncated(now, before, sightings);
      if (!now.isLeader) return;
      const key = partitionKey(now);
      const last = leaders.get(key);
      if (last !== undefined && last.leaderEpoch < now.leaderEpoch && last.logEnd > last.highWatermark)
        sightings.see('a leader changes with an unacknowledged tail');
      if (now.isr.length < 2 && now.logEnd > now.highWatermark)
        sightings.see('the high watermark waits for more in-sync replicas');
      leaders.set(key, now);
    },
    nodeMoved(node) {
      if (!node.isActiveController) return;
      if (node.epoch > controllerEpoch && controllerEpoch > 0) {
        if (commandsUnderWay() > 0) sightings.see('the controller changes with commands under way');
        if (node.epoch > controllerEpoch + 1) sightings.see('an election takes more than one epoch');
      }
      controllerEpoch = Math.max(controllerEpoch, node.epoch);
      lookAtPartitions(node, partitions, sightings);
      for (const [id, { epoch, fenced }] of node.image.brokers) {
        const before = brokers.get(id);
        if (before?.epoch === epoch && before.fenced && !fenced && served.has(`${id}/${epoch}`))
          sightings.see('a fenced broker comes back as it was');
        if (!fenced) served.add(`${id}/${epoch}`);
        brokers.set(id, { epoch, fenced });
      }
    },
  };
}

function truncated(now: ReplicaState, before: ReplicaState, sightings: Sightings): void {
  sightings.see('a follower truncates');
  const cut = before.epochs.filter(({ startOffset }) => startOffset > now.logEnd && startOffset < before.logEnd);
  if (cut.length > 0) sightings.see('a follower truncates over more than one epoch');
}

function lookAtPartitions({ image }: NodeState, partitions: Map<string, PartitionState>, sightings: Sightings): void {
  const isFenced = [...image.brokers.values()].some(({ fenced }) => fenced);
  for (const topic of image.topicsByName.values())
    for (const now of topic.partitions) {
      const key = partitionKey({ topicId: topic.id, index: now.index });
      const before = partitions.get(key);
      if (before === now) continue;
      partitions.set(key, now);
      if (now.eligibleLeaderReplicas.length > 0) sightings.see('an ELR is there');
      if (before === undefined) continue;
      if (now.leader < 0 && before.leader >= 0) sightings.see('a partition is without a leader');
      if (now.leader >= 0 && now.leader !== before.leader) elected(now, before, sightings);
      if (isFenced && !sameIds(now.replicas, before.replicas))
        sightings.see('replicas change while a broker is fenced');
    }
}

function elected(now: PartitionState, before: PartitionState, sightings: Sightings): void {
  if (before.isr.includes(now.leader)) return;
  if (before.eligibleLeaderReplicas.includes(now.leader)) sightings.see('a leader is elected from the ELR');
  else sightings.see('nobody is known to have all, and the last leader comes back');
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

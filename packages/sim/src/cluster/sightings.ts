/**
 * Rare situations that a campaign must have been in, each with a counter: without them a run without violations says
 * little. Seen from the moves of replicas and images, and told by clients and logs.
 * Invariant: counting changes nothing in a run; a name that is not in the table is a bug.
 */

import type { Watcher } from './checkers/watcher.ts';
import type { NodeState, PartitionState, ReplicaState, TopicState } from './views.ts';
import { partitionKey } from './views.ts';

export const SIGHTINGS = [
  'a leader changes with an unacknowledged tail',
  'a follower truncates',
  'a follower truncates over more than one epoch',
  'a leader is elected from the ELR',
  'an ELR is there',
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

export interface SightingSources {
  /** Of administrators. */
  commandsUnderWay(): number;
  now(): number;
}

export interface SightingWatcher extends Watcher {
  /** A client was told that its batch is stored there. */
  acknowledged(topic: string, index: number, baseOffset: number): void;
}

/** An answer of the last leader's is not on its way for longer than this. */
const ON_THE_WAY_MS = 1_000;

/** What can be seen from outside. */
export function sightingWatcher(
  sightings: Sightings,
  { commandsUnderWay, now: nowMs }: SightingSources,
): SightingWatcher {
  const leaders = new Map<string, ReplicaState>();
  /** By name: who leads, and since when in this epoch. */
  const led = new Map<string, { replica: ReplicaState; sinceMs: number }>();
  const topics = new Map<string, TopicState>();
  const lives = new Map<number, { boot: number; epoch: number }>();
  let newestEpoch = 0;
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
      const place = `${now.topic}-${now.index}`;
      const known = led.get(place);
      const isSame = known?.replica.leaderEpoch === now.leaderEpoch;
      if (!known || known.replica.leaderEpoch <= now.leaderEpoch)
        led.set(place, { replica: now, sinceMs: isSame ? known.sinceMs : nowMs() });
    },
    acknowledged(topic, index, baseOffset) {
      const leader = led.get(`${topic}-${index}`);
      if (leader === undefined || nowMs() - leader.sinceMs < ON_THE_WAY_MS) return;
      const epoch = leader.replica.epochs.findLast(({ startOffset }) => startOffset <= baseOffset)?.epoch ?? -1;
      if (epoch >= 0 && epoch < leader.replica.leaderEpoch) sightings.see('a new leader knows a batch again');
    },
    nodeMoved(node) {
      const life = lives.get(node.nodeId);
      if (life !== undefined && life.boot !== node.boot && newestEpoch > life.epoch)
        sightings.see('a voter comes back to a newer epoch');
      lives.set(node.nodeId, { boot: node.boot, epoch: node.epoch });
      newestEpoch = Math.max(newestEpoch, node.epoch);
      if (!node.isActiveController) return;
      lookAtTopics(node, topics, sightings);
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

function lookAtTopics({ image }: NodeState, topics: Map<string, TopicState>, sightings: Sightings): void {
  for (const [name, { partitions }] of topics) {
    if (image.topicsByName.has(name)) continue;
    const isAway = (id: number): boolean => image.brokers.get(id)?.fenced !== false;
    if (partitions.some(({ replicas }) => replicas.some(isAway)))
      sightings.see('a topic is deleted while a replica is away');
    topics.delete(name);
  }
  for (const topic of image.topicsByName.values()) topics.set(topic.name, topic);
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
  if (before.isr.includes(now.leader) || !before.eligibleLeaderReplicas.includes(now.leader)) return;
  sightings.see('a leader is elected from the ELR');
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/**
 * I5: a leader's high watermark advances only while at least min.insync.replicas are in sync (or all replicas, if there are
 * fewer), and only up to where each of them has been in this epoch: with durability fsync, up to where it had fsynced.
 */
import { type ImageState, partitionKey, placeOf, type ReplicaState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

const DURABILITY = 'meridian.durability';
const MIN_ISR = 'min.insync.replicas';

export function watermarkCovered(fail: Fail, defaultMinIsr: number): Watcher {
  /** Largest end that a node has had while it was in this epoch of the partition. */
  const ends = new Map<string, number>();
  const images = new Map<number, ImageState>();
  /** Its image has moved in this event, by several records perhaps: nobody knows who was in sync in between. */
  let movedNode = -1;
  /** What was asked for when a leader was looked at last. */
  const leasts = new Map<string, number>();
  const endKey = (nodeId: number, replica: ReplicaState): string =>
    `${nodeId}/${partitionKey(replica)}/${replica.leaderEpoch}`;
  /** The config may have moved since the last look: either will do. */
  const leastIsr = (now: ReplicaState, key: string): number => {
    const image = images.get(now.nodeId);
    const least = image === undefined ? 0 : required(image, now, defaultMinIsr);
    const before = leasts.get(key) ?? least;
    leasts.set(key, least);
    return Math.min(least, before);
  };
  return {
    begin() {
      movedNode = -1;
    },
    nodeMoved({ nodeId, image }) {
      images.set(nodeId, image);
      movedNode = nodeId;
    },
    replicaMoved(now, before) {
      const key = endKey(now.nodeId, now);
      const isDurable = images.get(now.nodeId)?.configOf('topic', now.topic).get(DURABILITY) === 'fsync';
      ends.set(key, Math.max(ends.get(key) ?? 0, isDurable ? now.durableEnd : now.logEnd));
      if (!now.isLeader) return;
      const least = leastIsr(now, key);
      if (before === undefined || !before.isLeader || before.leaderEpoch !== now.leaderEpoch) return;
      if (before.boot !== now.boot || now.highWatermark <= before.highWatermark) return;
      if (movedNode === now.nodeId) return;
      const inSync = Math.max(now.isr.length, before.isr.length);
      if (inSync < least)
        fail(`${placeOf(now)}: the high watermark rose to ${now.highWatermark} with ${inSync} of ${least} in sync`);
      for (const member of now.isr) {
        if (!before.isr.includes(member) || (ends.get(endKey(member, now)) ?? 0) >= now.highWatermark) continue;
        fail(
          `${placeOf(now)}: the high watermark rose to ${now.highWatermark}, where node ${member}, in sync, never was`,
        );
      }
    },
  };
}

/** What the image asks for: never more than there are replicas. */
function required(image: ImageState, { topic, index }: ReplicaState, defaultMinIsr: number): number {
  const partition = image.topicsByName.get(topic)?.partitions[index];
  if (partition === undefined) return 0;
  const configured = Number(image.configOf('topic', topic).get(MIN_ISR) ?? defaultMinIsr);
  return Math.min(configured, partition.replicas.length);
}

/**
 * I1: whoever may be elected by the newest metadata (in sync, or eligible) has had every record that was acknowledged with
 * acks=all. What a loss of power takes from it makes it ineligible when it registers.
 */
import type { History } from '../history.ts';
import { type PartitionState, partitionKey, placeOf, type ReplicaState, type TopicState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function electableHaveAll(fail: Fail, history: History): Watcher {
  /** The farthest that a node's replica has ever been. */
  const ends = new Map<string, number>();
  const newest = new Map<string, PartitionState>();
  /** Images share what did not change: each topic is looked at once. */
  const seen = new WeakSet<TopicState>();
  const lacking = (topic: TopicState, partition: PartitionState): void => {
    const key = partitionKey({ topicId: topic.id, index: partition.index });
    const acknowledged = history.partitions.get(`${topic.name}-${partition.index}`)?.acknowledgedEnd ?? 0;
    for (const id of [...partition.isr, ...partition.eligibleLeaderReplicas]) {
      const end = ends.get(`${id}/${key}`) ?? 0;
      if (end < acknowledged)
        fail(`node ${id} may lead ${topic.name}-${partition.index} and never had more than ${end} of ${acknowledged}`);
    }
  };
  /** In one life of a node nothing is taken from it but by itself. */
  const cut = (now: ReplicaState): void => {
    const partition = newest.get(partitionKey(now));
    const isElectable = [...(partition?.isr ?? []), ...(partition?.eligibleLeaderReplicas ?? [])].includes(now.nodeId);
    const acknowledged = history.partitions.get(`${now.topic}-${now.index}`)?.acknowledgedEnd ?? 0;
    if (isElectable && now.logEnd < acknowledged)
      fail(`${placeOf(now)}: may lead, and cuts its log to ${now.logEnd}, acknowledged is up to ${acknowledged}`);
  };
  return {
    replicaMoved(now, before) {
      if (before?.boot === now.boot && now.logEnd < before.logEnd) cut(now);
      const key = `${now.nodeId}/${partitionKey(now)}`;
      ends.set(key, Math.max(ends.get(key) ?? 0, now.logEnd));
    },
    nodeMoved({ image, isActiveController }) {
      for (const topic of image.topicsByName.values()) {
        if (!seen.has(topic)) {
          seen.add(topic);
          for (const partition of topic.partitions) {
            const key = partitionKey({ topicId: topic.id, index: partition.index });
            const known = newest.get(key);
            if (known === undefined || known.partitionEpoch < partition.partitionEpoch) newest.set(key, partition);
          }
        }
        if (!isActiveController) continue;
        for (const partition of topic.partitions) {
          const known = newest.get(partitionKey({ topicId: topic.id, index: partition.index }));
          if (partition.partitionEpoch >= (known?.partitionEpoch ?? 0)) lacking(topic, partition);
        }
      }
    },
  };
}

/**
 * I1 while the region runs: whoever leads the newest epoch has every record that was acknowledged with acks=all. A node that
 * hears late of the past may lead an older one for a moment: it can acknowledge nothing. `acknowledged-kept.ts` looks at
 * the bytes themselves when the storm is over.
 */
import type { History } from '../history.ts';
import { partitionKey, placeOf, type TopicState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function acknowledgedLed(fail: Fail, history: History): Watcher {
  /** Images share what did not change: each topic is looked at once. */
  const seen = new WeakSet<TopicState>();
  const newest = new Map<string, number>();
  return {
    nodeMoved({ image }) {
      for (const topic of image.topicsByName.values()) {
        if (seen.has(topic)) continue;
        seen.add(topic);
        for (const { index, leaderEpoch } of topic.partitions) {
          const key = partitionKey({ topicId: topic.id, index });
          newest.set(key, Math.max(newest.get(key) ?? 0, leaderEpoch));
        }
      }
    },
    replicaMoved(now, before) {
      if (!now.isLeader || now.leaderEpoch < (newest.get(partitionKey(now)) ?? 0)) return;
      const isTheSame = before?.isLeader && before.boot === now.boot && before.leaderEpoch === now.leaderEpoch;
      if (isTheSame && before.logEnd <= now.logEnd) return;
      const end = history.partitions.get(`${now.topic}-${now.index}`)?.acknowledgedEnd ?? 0;
      if (now.logEnd < end)
        fail(`${placeOf(now)}: leads epoch ${now.leaderEpoch} up to ${now.logEnd}, acknowledged is up to ${end}`);
    },
  };
}

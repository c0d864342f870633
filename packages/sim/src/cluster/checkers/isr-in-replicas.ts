/** I6: in every image the in-sync and the eligible replicas are replicas, no node is both, the leader is in sync, and epochs only grow. */
import type { PartitionState, TopicState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function isrInReplicas(fail: Fail): Watcher {
  /** Images share what did not change: each topic is looked at once. */
  const seen = new WeakSet<TopicState>();
  const epochs = new Map<string, PartitionState>();
  return {
    nodeMoved({ nodeId, boot, image }) {
      for (const topic of image.topicsByName.values()) {
        if (seen.has(topic)) continue;
        seen.add(topic);
        for (const partition of topic.partitions) {
          const place = `image of node ${nodeId}, ${topic.name}-${partition.index}`;
          for (const what of wrongIn(partition)) fail(`${place}: ${what}`);
          const key = `${nodeId}/${boot}/${topic.id}/${partition.index}`;
          const before = epochs.get(key);
          epochs.set(key, partition);
          if (before === undefined) continue;
          if (partition.partitionEpoch < before.partitionEpoch || partition.leaderEpoch < before.leaderEpoch)
            fail(`${place}: epochs fell from ${epochText(before)} to ${epochText(partition)}`);
          if (partition.leader !== before.leader && partition.leaderEpoch === before.leaderEpoch)
            fail(`${place}: leader ${before.leader} gave way to ${partition.leader} in epoch ${partition.leaderEpoch}`);
        }
      }
    },
  };
}

function wrongIn({ replicas, isr, eligibleLeaderReplicas, leader }: PartitionState): string[] {
  const wrong: string[] = [];
  const strangers = [...isr, ...eligibleLeaderReplicas].filter((id) => !replicas.includes(id));
  if (strangers.length > 0) wrong.push(`${strangers} are in sync or eligible and no replicas of ${replicas}`);
  const both = isr.filter((id) => eligibleLeaderReplicas.includes(id));
  if (both.length > 0) wrong.push(`${both} are in sync and eligible at a time`);
  if (new Set(isr).size < isr.length) wrong.push(`in sync twice: ${isr}`);
  if (leader >= 0 && !isr.includes(leader)) wrong.push(`leader ${leader} is not in sync (${isr})`);
  return wrong;
}

const epochText = ({ leaderEpoch, partitionEpoch }: PartitionState): string => `${leaderEpoch}/${partitionEpoch}`;

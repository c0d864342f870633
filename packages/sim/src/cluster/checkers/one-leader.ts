/** I4: an epoch has one leader, of a partition and of the metadata quorum, and epochs do not come back. */
import { partitionKey } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function oneLeader(fail: Fail): Watcher {
  const leaders = new Map<string, number>();
  const controllers = new Map<number, number>();
  return {
    replicaMoved({ topic, topicId, index, leaderEpoch, isLeader, nodeId }) {
      if (!isLeader) return;
      const key = `${partitionKey({ topicId, index })}/${leaderEpoch}`;
      const leader = leaders.get(key);
      if (leader === undefined) leaders.set(key, nodeId);
      else if (leader !== nodeId) fail(`${topic}-${index}: nodes ${leader} and ${nodeId} lead epoch ${leaderEpoch}`);
    },
    nodeMoved({ isActiveController, leaderId, epoch, nodeId }) {
      // One that has just heard of a later epoch is not the controller of that one.
      if (!isActiveController || leaderId !== nodeId) return;
      const active = controllers.get(epoch);
      if (active === undefined) controllers.set(epoch, nodeId);
      else if (active !== nodeId) fail(`nodes ${active} and ${nodeId} are controllers in epoch ${epoch}`);
    },
  };
}

/**
 * A voter votes for one candidate in an epoch, whatever happens to it in between: by what it writes into `quorum-state`
 * before it tells anybody. Two leaders in one epoch (`one-leader.ts`) would take more bad luck than a storm has.
 */
import type { Fail } from './watcher.ts';

export interface VotesOnce {
  /** What stands in the file now. */
  wrote(nodeId: number, text: string): void;
  /** Its disk is gone, and what it had voted. */
  wiped(nodeId: number): void;
}

const NOBODY = -1;
const WRITTEN = /"leaderEpoch":(\d+),"votedId":(-?\d+),.*}$/;

export function votesOnce(fail: Fail): VotesOnce {
  const votes = new Map<string, number>();
  return {
    wrote(nodeId, text) {
      const found = WRITTEN.exec(text);
      if (found === null) return fail(`node ${nodeId}: quorum-state is torn: ${JSON.stringify(text)}`);
      const [leaderEpoch, votedId] = [Number(found[1]), Number(found[2])];
      const key = `${nodeId}/${leaderEpoch}`;
      const before = votes.get(key) ?? votedId;
      if (votedId === NOBODY) return;
      votes.set(key, votedId);
      if (before !== votedId) fail(`node ${nodeId} voted for ${before} and for ${votedId} in epoch ${leaderEpoch}`);
    },
    wiped(nodeId) {
      for (const key of [...votes.keys()]) if (key.startsWith(`${nodeId}/`)) votes.delete(key);
    },
  };
}

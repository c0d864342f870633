/**
 * I1 while the region runs: whoever leads has every record that was acknowledged with acks=all. `acknowledged-kept.ts` looks at
 * the bytes themselves when the storm is over.
 */
import type { History } from '../history.ts';
import { placeOf } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function acknowledgedLed(fail: Fail, history: History): Watcher {
  return {
    replicaMoved(now, before) {
      if (!now.isLeader || (before?.isLeader && before.logEnd <= now.logEnd && before.boot === now.boot)) return;
      const end = history.partitions.get(`${now.topic}-${now.index}`)?.acknowledgedEnd ?? 0;
      if (now.logEnd < end)
        fail(`${placeOf(now)}: leads epoch ${now.leaderEpoch} up to ${now.logEnd}, acknowledged is up to ${end}`);
    },
  };
}

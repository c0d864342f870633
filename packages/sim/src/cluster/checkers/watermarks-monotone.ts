/** I2: while one node leads one epoch its high watermark and last stable offset never fall, and start ≤ LSO ≤ HW ≤ end on every replica. */
import { placeOf, type ReplicaState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function watermarksMonotone(fail: Fail): Watcher {
  return {
    replicaMoved(now, before) {
      inOrder(now, fail);
      if (before === undefined || before.boot !== now.boot || before.topicId !== now.topicId) return;
      if (!now.isLeader || !before.isLeader || now.leaderEpoch !== before.leaderEpoch) return;
      if (now.highWatermark < before.highWatermark)
        fail(`${placeOf(now)}: the high watermark fell from ${before.highWatermark} to ${now.highWatermark}`);
      if (now.lastStableOffset < before.lastStableOffset)
        fail(`${placeOf(now)}: the last stable offset fell from ${before.lastStableOffset} to ${now.lastStableOffset}`);
    },
  };
}

function inOrder(now: ReplicaState, fail: Fail): void {
  const { logStart, lastStableOffset, highWatermark, logEnd, isLeader } = now;
  if (highWatermark > logEnd) fail(`${placeOf(now)}: high watermark ${highWatermark} is beyond the end ${logEnd}`);
  if (lastStableOffset > highWatermark)
    fail(`${placeOf(now)}: last stable offset ${lastStableOffset} is beyond the high watermark ${highWatermark}`);
  if (logStart > logEnd) fail(`${placeOf(now)}: the start ${logStart} is beyond the end ${logEnd}`);
  if (isLeader && logStart > highWatermark)
    fail(`${placeOf(now)}: the start ${logStart} is beyond the high watermark ${highWatermark}`);
}

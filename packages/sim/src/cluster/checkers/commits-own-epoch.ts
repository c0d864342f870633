/**
 * Raft's rule on commits (5.4.2), by which what is committed stays: the high watermark of a quorum's leader rises only to
 * records of its own epoch. And on nobody it falls within a life.
 */
import type { Fail, Watcher } from './watcher.ts';

export function commitsOwnEpoch(fail: Fail): Watcher {
  const known = new Map<number, { boot: number; epoch: number; highWatermark: number }>();
  return {
    nodeMoved({ nodeId, boot, leaderId, epoch, committedEpoch, metadataHighWatermark: highWatermark }) {
      const before = known.get(nodeId);
      known.set(nodeId, { boot, epoch, highWatermark });
      if (before?.boot !== boot) return;
      if (highWatermark < before.highWatermark)
        fail(`node ${nodeId}: what is committed of the metadata fell from ${before.highWatermark} to ${highWatermark}`);
      const hasCommitted = highWatermark > before.highWatermark && before.epoch === epoch && leaderId === nodeId;
      if (hasCommitted && committedEpoch >= 0 && committedEpoch < epoch)
        fail(
          `node ${nodeId} leads epoch ${epoch} and commits up to ${highWatermark}, a record of epoch ${committedEpoch}`,
        );
    },
  };
}

/**
 * I10 of the metadata quorum: a node that is started again is in no earlier epoch than before, unless its
 * disk was wiped, or it gave up because it could not write its epoch down.
 */
import type { Fail, Watcher } from './watcher.ts';

export interface EpochsRemembered extends Watcher {
  /** What it had promised is gone, or was never promised. */
  wiped(nodeId: number): void;
}

export function epochsRemembered(fail: Fail): EpochsRemembered {
  const epochs = new Map<number, number>();
  return {
    nodeMoved({ nodeId, epoch }) {
      const before = epochs.get(nodeId) ?? -1;
      epochs.set(nodeId, epoch);
      if (epoch < before) fail(`node ${nodeId} is in epoch ${epoch} of the quorum, and was in ${before}`);
    },
    wiped: (nodeId) => void epochs.delete(nodeId),
  };
}

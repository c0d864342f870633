/** I10 of the metadata quorum: a node that is started again is in no earlier epoch than before, unless its disk was wiped. */
import type { Fail, Watcher } from './watcher.ts';

export interface EpochsRemembered extends Watcher {
  /** Its disk is gone, and what it had promised. */
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

/**
 * What any node takes for committed metadata has been fsynced by two nodes at least: of two or three voters that is a
 * majority, and no loss of power takes it from all.
 */
import type { Fail, Watcher } from './watcher.ts';

const MAJORITY = 2;

export function metadataDurable(fail: Fail): Watcher {
  /** The most that each node has ever had durable. */
  const ends = new Map<number, number>();
  let committed = 0;
  return {
    nodeMoved({ nodeId, metadataDurableEnd, metadataHighWatermark }) {
      ends.set(nodeId, Math.max(ends.get(nodeId) ?? 0, metadataDurableEnd));
      if (metadataHighWatermark <= committed) return;
      committed = metadataHighWatermark;
      const durable = [...ends.values()].filter((end) => end >= committed).length;
      if (durable < MAJORITY) fail(`metadata up to ${committed} is committed, and durable on ${durable} nodes`);
    },
  };
}

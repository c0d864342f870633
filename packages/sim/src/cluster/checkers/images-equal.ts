/** I11: images that contain the same records are equal, on all nodes, whether they came by records, by replay or by a snapshot. */
import type { Fail, Watcher } from './watcher.ts';

export function imagesEqual(fail: Fail): Watcher {
  const hashes = new Map<number, { hash: string; nodeId: number }>();
  const looked = new Map<number, string>();
  return {
    nodeMoved(node) {
      const { endOffset } = node.image;
      const place = `${node.boot}/${endOffset}`;
      if (endOffset <= 0 || looked.get(node.nodeId) === place) return;
      looked.set(node.nodeId, place);
      const hash = node.imageHash();
      const known = hashes.get(endOffset);
      if (known === undefined) hashes.set(endOffset, { hash, nodeId: node.nodeId });
      else if (known.hash !== hash)
        fail(`the images of nodes ${known.nodeId} and ${node.nodeId} differ at offset ${endOffset}`);
    },
  };
}

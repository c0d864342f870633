/**
 * I11: images that contain the same records are equal, on all nodes, whether they came by records, by replay or by a
 * snapshot: by the nodes' own hash, and by a text that is made here, so that neither can overlook what the other sees.
 */
import type { ImageState, NodeState, PartitionState } from '../views.ts';
import type { Fail, Watcher } from './watcher.ts';

export function imagesEqual(fail: Fail): Watcher {
  const known = new Map<number, { nodeId: number; hash: string; text: string }>();
  const looked = new Map<number, string>();
  return {
    nodeMoved(node) {
      const { nodeId, boot, image } = node;
      const place = `${boot}/${image.endOffset}`;
      if (image.endOffset <= 0 || looked.get(nodeId) === place) return;
      looked.set(nodeId, place);
      const now = { nodeId, hash: node.imageHash(), text: textOf(image) };
      const first = known.get(image.endOffset);
      if (first === undefined) known.set(image.endOffset, now);
      else if (first.hash !== now.hash || first.text !== now.text) tell(node, first, now, fail);
    },
  };
}

type Known = { nodeId: number; text: string };

function tell({ image }: NodeState, first: Known, now: Known, fail: Fail): void {
  const theirs = first.text.split('\n');
  const differing = now.text.split('\n').find((line, at) => line !== theirs[at]) ?? 'the hash';
  fail(`the images of nodes ${first.nodeId} and ${now.nodeId} differ at offset ${image.endOffset}: ${differing}`);
}

function textOf(image: ImageState): string {
  const lines: string[] = [];
  for (const [id, { epoch, fenced }] of image.brokers) lines.push(`broker ${id} ${epoch} ${fenced}`);
  for (const topic of image.topicsByName.values()) {
    lines.push(`topic ${topic.name} ${topic.id}`);
    for (const [name, value] of image.configOf('topic', topic.name))
      lines.push(`config ${topic.name} ${name} ${value}`);
    for (const partition of topic.partitions) lines.push(`${topic.name} ${partitionText(partition)}`);
  }
  return lines.sort().join('\n');
}

function partitionText(partition: PartitionState): string {
  const { index, leader, leaderEpoch, partitionEpoch, replicas, isr, eligibleLeaderReplicas } = partition;
  return `${index} ${leader} ${leaderEpoch} ${partitionEpoch} ${replicas} ${isr} ${eligibleLeaderReplicas}`;
}

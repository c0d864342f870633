/**
 * Who leads a partition, for answers that say "not here" (KIP-951): the client goes there at once, without asking for
 * metadata. Used by the Produce and Fetch handlers.
 * Invariant: whoever is named as a leader has its address in the same answer, if it has one on the client's listener.
 */
import type { MetadataImage } from '../controller/image.ts';
import type { CurrentLeader } from '../partition/produce-part.ts';
import { type BrokerNode, brokerNode } from './broker-nodes.ts';
import type { ListenerName } from './handler.ts';

/** By name, or by id where there is no name. */
export function leaderOf(
  image: MetadataImage,
  { topic, topicId }: { readonly topic: string; readonly topicId: string },
  index: number,
): CurrentLeader | undefined {
  const found = topic === '' ? image.topicsById.get(topicId) : image.topicsByName.get(topic);
  const info = found?.partitions[index];
  return info && { leaderId: info.leader, leaderEpoch: info.leaderEpoch };
}

/** The addresses of all leaders that an answer names. */
export function leaderNodes(
  answered: readonly { readonly currentLeader: CurrentLeader | undefined }[],
  image: MetadataImage,
  listener: ListenerName,
): readonly BrokerNode[] {
  let nodes = NO_NODES;
  for (const { currentLeader } of answered) {
    if (currentLeader !== undefined) nodes = withLeader(nodes, currentLeader, image, listener);
  }
  return nodes;
}

export function withLeader(
  nodes: readonly BrokerNode[],
  { leaderId }: CurrentLeader,
  image: MetadataImage,
  listener: ListenerName,
): readonly BrokerNode[] {
  const node = nodes.some(({ nodeId }) => nodeId === leaderId) ? undefined : brokerNode(image, leaderId, listener);
  return node === undefined ? nodes : [...nodes, node];
}

const NO_NODES: readonly BrokerNode[] = [];

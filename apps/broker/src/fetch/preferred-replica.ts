/**
 * Whom a consumer should read from: with `replica.selector.class` = RackAwareReplicaSelector a replica in its own rack
 * (KIP-392). Asked by the Fetch handler on the partition's leader.
 * Invariant: only a replica that is in sync and has the offset is named, and the leader itself where it is as near.
 */
import { brokerNode } from '../apis/broker-nodes.ts';
import type { HandlerReach, ListenerName } from '../apis/handler.ts';
import { brokerConfigValue } from '../controller/configs/effective.ts';
import { RACK_AWARE_SELECTOR } from '../controller/configs/replication-configs.ts';
import type { RemoteReplica } from '../partition/in-sync-set.ts';
import type { Partition } from '../partition/partition.ts';

/** −1: us. */
export function preferredReplica(
  { inSync }: Partition,
  { fetchOffset }: { readonly fetchOffset: number },
  rackId: string,
  listener: ListenerName,
  { image, configSources, facts }: Pick<HandlerReach, 'image' | 'configSources' | 'facts'>,
): number {
  if (inSync === undefined || inSync.remotes.length === 0) return -1;
  if (brokerConfigValue(configSources, 'replica.selector.class') !== RACK_AWARE_SELECTOR) return -1;
  if (brokerNode(image, facts.nodeId, listener)?.rack === rackId) return -1;
  let best: RemoteReplica | undefined;
  for (const replica of inSync.remotes) {
    const { id, end, logStart } = replica;
    if (!inSync.isr.includes(id) || fetchOffset > end || fetchOffset < logStart) continue;
    if (brokerNode(image, id, listener)?.rack !== rackId) continue;
    if (best === undefined || end > best.end) best = replica;
  }
  return best?.id ?? -1;
}

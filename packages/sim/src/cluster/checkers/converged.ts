/** Liveness: what is still missing until a healed region is whole: leaders, in-sync replicas, equal ends, one image. */
import type { NodeState, ReplicaState } from '../views.ts';

/** `brokers` are the ids of all that should be there. Empty: nothing is missing. */
export function missing(
  nodes: readonly NodeState[],
  replicas: readonly ReplicaState[],
  brokers: readonly number[],
): string[] {
  const active = nodes.filter(({ isActiveController }) => isActiveController).sort((a, b) => b.epoch - a.epoch)[0];
  if (active === undefined) return ['there is no active controller'];
  const what: string[] = [];
  const { image } = active;
  for (const id of brokers) if (image.brokers.get(id)?.fenced !== false) what.push(`broker ${id} is fenced`);
  for (const { nodeId, image: other } of nodes)
    if (other.endOffset !== image.endOffset)
      what.push(`node ${nodeId} has ${other.endOffset} of ${image.endOffset} metadata`);
  const byPlace = new Map(
    replicas.map((replica) => [`${replica.topicId}/${replica.index}/${replica.nodeId}`, replica]),
  );
  for (const topic of image.topicsByName.values())
    for (const partition of topic.partitions) {
      const place = `${topic.name}-${partition.index}`;
      const { leader, leaderEpoch, isr } = partition;
      if (leader < 0)
        what.push(`${place} has no leader (in sync ${isr}, eligible ${partition.eligibleLeaderReplicas})`);
      else if (isr.length < partition.replicas.length)
        what.push(`${place}: in sync are ${isr} of ${partition.replicas}`);
      const hosted = partition.replicas.map((id) => byPlace.get(`${topic.id}/${partition.index}/${id}`));
      const end = hosted.find((replica) => replica?.nodeId === leader)?.logEnd;
      for (const [at, replica] of hosted.entries()) {
        const where = `${place} of node ${partition.replicas[at]}`;
        if (replica === undefined) what.push(`${where} is not hosted`);
        else if (replica.leaderEpoch !== leaderEpoch)
          what.push(`${where} is in epoch ${replica.leaderEpoch} of ${leaderEpoch}`);
        else if (replica.logEnd !== end || replica.highWatermark !== end)
          what.push(
            `${where} ends at ${replica.logEnd}, high watermark ${replica.highWatermark}, the leader at ${end}`,
          );
      }
    }
  return what;
}

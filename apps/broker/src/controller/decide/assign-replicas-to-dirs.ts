/**
 * Decides AssignReplicasToDirs (KIP-858): a broker tells in which of its log dirs replicas lie. What has been found again
 * may be led there, what lies in a dir that is not online is neither led nor in sync.
 * Invariant: the broker is believed. It must not tell of a replica that it has made empty instead of one that it lost
 * while that one was in sync, or eligible.
 */
import { ERROR } from '@meridian/protocol';
import type { AssignedReplicas, AssignReplicasToDirs } from '../commands.ts';
import { directoryOn, isOnlineIn } from '../directories.ts';
import type { MetadataImage, PartitionInfo } from '../image.ts';
import { without } from './broker-changes.ts';
import { type DecideContext, type Decision, Refusal } from './decision.ts';
import type { PartitionChange } from './partition-change.ts';
import { PartitionChanger } from './partition-changer.ts';
import { askingBroker } from './registrations.ts';

export function decideAssignReplicasToDirs(
  image: MetadataImage,
  command: AssignReplicasToDirs,
  context: DecideContext,
): Decision<AssignedReplicas> {
  const broker = askingBroker(image, command.brokerId, command.brokerEpoch);
  if (broker instanceof Refusal) return { records: [], result: { errorCode: broker.errorCode, directories: [] } };
  const changer = new PartitionChanger(image, context);
  const changes = new Map<PartitionInfo, PartitionChange | undefined>();
  const assign = (topicId: string, index: number, directory: string): number => {
    const topic = image.topicsById.get(topicId);
    if (topic === undefined) return ERROR.UNKNOWN_TOPIC_ID;
    const partition = topic.partitions[index];
    if (partition === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    if (!partition.replicas.includes(broker.id)) return ERROR.NOT_LEADER_OR_FOLLOWER;
    if (changes.has(partition)) return ERROR.INVALID_REQUEST;
    const isLost = !isOnlineIn(directory, broker.directories) && partition.isr.includes(broker.id);
    const directories = new Map([[broker.id, directory]]);
    const isMoved = directoryOn(broker.id, partition) !== directory;
    const isr = isLost ? without(partition.isr, broker.id) : partition.isr;
    changes.set(partition, isMoved || isLost ? changer.change(topic, partition, { directories, isr }) : undefined);
    return ERROR.NONE;
  };
  const directories = command.directories.map(({ id, topics }) => ({
    id,
    topics: topics.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map((index) => ({ partitionIndex: index, errorCode: assign(topicId, index, id) })),
    })),
  }));
  const records = [...changes.values()].filter((change) => change !== undefined);
  return { records, result: { errorCode: ERROR.NONE, directories } };
}

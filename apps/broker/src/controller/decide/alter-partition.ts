/**
 * Decides AlterPartition, by which a partition's leader asks for another in-sync set, with Apache Kafka's checks in its
 * order. Invariants: only the leader at its present epochs is heard, and only brokers that live join the set; each by the
 * epoch under which the leader has seen it fetch, so that one which has started anew since is not taken for the old one.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { AlteredPartition, AlterPartition, AlterPartitionResult } from '../commands.ts';
import { isReplicaOnline } from '../directories.ts';
import type { MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { type DecideContext, type Decision, Refusal } from './decision.ts';
import { type PartitionChange, RECOVERED, RECOVERING } from './partition-change.ts';
import { PartitionChanger } from './partition-changer.ts';
import { askingBroker } from './registrations.ts';

type PartitionAnswer = AlterPartitionResult['topics'][number]['partitions'][number];

export function decideAlterPartition(
  image: MetadataImage,
  command: AlterPartition,
  context: DecideContext,
): Decision<AlterPartitionResult> {
  const broker = askingBroker(image, command.brokerId, command.brokerEpoch);
  if (broker instanceof Refusal) return { records: [], result: { errorCode: broker.errorCode, topics: [] } };
  const changer = new PartitionChanger(image, context);
  const records: MetadataRecordInput[] = [];
  const changed = new Set<PartitionInfo>();
  const topics = command.topics.map(({ topicId, partitions }) => ({
    topicId,
    partitions: partitions.map((asked) => {
      const topic = image.topicsById.get(topicId);
      const partition = topic?.partitions[asked.partitionIndex];
      const errorCode = whyNot(image, command.brokerId, topic, partition, asked);
      if (errorCode !== ERROR.NONE) return refusedPartition(asked, errorCode);
      if (changed.has(partition!)) return refusedPartition(asked, ERROR.INVALID_REQUEST);
      const change = changer.change(topic!, partition!, {
        isr: asked.newIsr.map(({ brokerId }) => brokerId),
        leaderRecoveryState: asked.leaderRecoveryState,
      });
      if (change === undefined) return answer(partition!, undefined);
      records.push(change);
      changed.add(partition!);
      const leader = change.leader ?? command.brokerId;
      return leader === command.brokerId
        ? answer(partition!, change)
        : refusedPartition(asked, ERROR.NEW_LEADER_ELECTED);
    }),
  }));
  return { records, result: { errorCode: ERROR.NONE, topics } };
}

function refusedPartition({ partitionIndex }: AlteredPartition, errorCode: number): PartitionAnswer {
  const none = { leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: RECOVERED, partitionEpoch: 0 };
  return { partitionIndex, errorCode, ...none };
}

/** The partition as it is going to be. */
function answer(partition: PartitionInfo, change: PartitionChange | undefined): PartitionAnswer {
  return {
    partitionIndex: partition.index,
    errorCode: ERROR.NONE,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch + (change?.leader === undefined ? 0 : 1),
    isr: change?.isr ?? partition.isr,
    leaderRecoveryState: change?.leaderRecoveryState ?? partition.leaderRecoveryState,
    partitionEpoch: partition.partitionEpoch + (change === undefined ? 0 : 1),
  };
}

function whyNot(
  image: MetadataImage,
  brokerId: number,
  topic: Topic | undefined,
  partition: PartitionInfo | undefined,
  asked: AlteredPartition,
): number {
  if (topic === undefined) return ERROR.UNKNOWN_TOPIC_ID;
  if (partition === undefined) return ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  // Whoever knows more than we do has heard of a later controller.
  if (asked.leaderEpoch > partition.leaderEpoch || asked.partitionEpoch > partition.partitionEpoch) {
    return ERROR.NOT_CONTROLLER;
  }
  if (asked.leaderEpoch < partition.leaderEpoch) return ERROR.FENCED_LEADER_EPOCH;
  if (brokerId !== partition.leader) return ERROR.INVALID_REQUEST;
  if (asked.partitionEpoch < partition.partitionEpoch) return ERROR.INVALID_UPDATE_VERSION;
  if (!isInSyncSet(partition, asked)) return ERROR.INVALID_REQUEST;
  return asked.newIsr.every((member) => isEligible(image, partition, member)) ? ERROR.NONE : ERROR.INELIGIBLE_REPLICA;
}

/** Distinct replicas with the leader among them, and it alone until it has recovered from an unclean election. */
function isInSyncSet(partition: PartitionInfo, { newIsr, leaderRecoveryState }: AlteredPartition): boolean {
  const ids = newIsr.map(({ brokerId }) => brokerId);
  if (new Set(ids).size < ids.length || !ids.includes(partition.leader)) return false;
  if (!ids.every((id) => partition.replicas.includes(id))) return false;
  if (leaderRecoveryState === RECOVERED) return true;
  return leaderRecoveryState === RECOVERING && ids.length === 1 && partition.leaderRecoveryState === RECOVERING;
}

/** Lives, under the epoch that the leader knows, and its log dir is online. */
function isEligible(
  image: MetadataImage,
  partition: PartitionInfo,
  { brokerId, brokerEpoch }: AlteredPartition['newIsr'][number],
): boolean {
  if (!isReplicaOnline(image, partition, brokerId)) return false;
  const { inControlledShutdown, epoch } = image.brokers.get(brokerId)!;
  return !inControlledShutdown && (brokerEpoch === -1 || brokerEpoch === epoch);
}

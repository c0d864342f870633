/**
 * Decides AlterPartitionReassignments (KIP-455): partitions get other replicas, or a reassignment that is under way is
 * called off, with Apache Kafka's checks. A leader completes it later, by the in-sync set that it asks for.
 * Invariant: replicas leave the list only when all that stay are in sync, so nothing that is committed goes with them.
 */
import { ERROR } from '@meridian/protocol';
import type { AlterPartitionReassignments, ReassignedPartition } from '../commands.ts';
import { directoryOn } from '../directories.ts';
import type { MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { type DecideContext, type Decision, orRefusal, Refusal } from './decision.ts';
import { type PartitionChange, RECOVERING } from './partition-change.ts';
import { PartitionChanger } from './partition-changer.ts';
import { checkAssignment } from './placement.ts';
import { isReassigning, revertedReassignment, startedReassignment } from './reassignment.ts';

type Result = {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly ReassignedPartition[] }[];
};

export function decideAlterPartitionReassignments(
  image: MetadataImage,
  command: AlterPartitionReassignments,
  context: DecideContext,
): Decision<Result> {
  const changer = new PartitionChanger(image, context);
  const records: PartitionChange[] = [];
  const seen = new Set<PartitionInfo>();
  const isTooMuch =
    command.topics.reduce((sum, { partitions }) => sum + partitions.length, 0) >
    CONTROLLER_LIMITS.reassignmentsPerRequest;
  const topics = command.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, replicas }): ReassignedPartition => {
      const decided = orRefusal(() => {
        if (isTooMuch) throw TOO_MUCH;
        const { topic, partition } = find(image, name, partitionIndex);
        if (seen.has(partition)) throw new Refusal(ERROR.INVALID_REQUEST, 'The partition is named more than once.');
        seen.add(partition);
        if (replicas === null) return callOff(changer, topic, partition);
        return reassign(image, changer, topic, partition, replicas, command.allowReplicationFactorChange);
      });
      if (decided instanceof Refusal) {
        return { partitionIndex, errorCode: decided.errorCode, errorMessage: decided.message };
      }
      if (decided !== undefined) records.push(decided);
      return { partitionIndex, errorCode: ERROR.NONE, errorMessage: null };
    }),
  }));
  return { records, result: { topics } };
}

const TOO_MUCH = new Refusal(ERROR.POLICY_VIOLATION, 'Excessively large number of partitions per request.');

function find(image: MetadataImage, name: string, index: number): { topic: Topic; partition: PartitionInfo } {
  const topic = image.topicsByName.get(name);
  if (topic === undefined) {
    throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  }
  const partition = topic.partitions[index];
  if (partition !== undefined) return { topic, partition };
  throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${index}.`);
}

function reassign(
  image: MetadataImage,
  changer: PartitionChanger,
  topic: Topic,
  partition: PartitionInfo,
  wanted: readonly number[],
  mayChangeFactor: boolean,
): PartitionChange | undefined {
  checkAssignment(image, wanted);
  const { replicas, addingReplicas, removingReplicas } = partition;
  const factor = replicas.filter((id) => !removingReplicas.includes(id)).length;
  if (!mayChangeFactor && factor !== wanted.length) {
    const why = `The replication factor is changed from ${factor} to ${wanted.length}`;
    throw new Refusal(ERROR.INVALID_REPLICATION_FACTOR, why);
  }
  return changer.change(topic, partition, startedReassignment(replicas, addingReplicas, wanted));
}

/** Back to the replicas from before. Where none of those has all that is committed, only an unclean election goes back. */
function callOff(changer: PartitionChanger, topic: Topic, partition: PartitionInfo): PartitionChange | undefined {
  if (!isReassigning(partition)) {
    throw new Refusal(ERROR.NO_REASSIGNMENT_IN_PROGRESS, 'No partition reassignment is in progress.');
  }
  const { replicas, isr } = revertedReassignment(partition);
  const targets = { replicas, adding: [], removing: [] };
  const isClean = isr.length > 0 || replicas.some((id) => partition.eligibleLeaderReplicas.includes(id));
  if (isClean) return changer.change(topic, partition, { ...targets, isr });
  const alive = replicas.find((id) => changer.mayLead(id, directoryOn(id, partition)));
  if (alive === undefined || !changer.isUncleanAllowed(topic.name)) {
    const why = `Unable to revert partition assignment for ${topic.name}:${partition.index} because it would require an unclean leader election.`;
    throw new Refusal(ERROR.INVALID_REPLICA_ASSIGNMENT, why);
  }
  return changer.change(topic, partition, { ...targets, isr: [alive], leaderRecoveryState: RECOVERING });
}

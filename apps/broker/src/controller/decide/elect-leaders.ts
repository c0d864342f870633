/**
 * Decides elections that somebody asked for: the preferred replica (the first of the list) becomes leader if it is in
 * sync, or, uncleanly, any replica that lives where there is no leader. A leader that is right already stays.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { ElectedPartition, ElectLeaders } from '../commands.ts';
import { isReplicaOnline } from '../directories.ts';
import type { MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { type Decision, orRefusal, Refusal } from './decision.ts';

const NO_LEADER = -1;

export function decideElectLeaders(
  image: MetadataImage,
  { election, partitions }: ElectLeaders,
): Decision<{ partitions: readonly ElectedPartition[] }> {
  const records: MetadataRecordInput[] = [];
  const one = (topic: string, index: number): ElectedPartition => {
    const decided = orRefusal(() => elect(image, topic, index, election));
    if (decided instanceof Refusal) {
      return { topic, index, errorCode: decided.errorCode, errorMessage: decided.message };
    }
    records.push(decided);
    return { topic, index, errorCode: ERROR.NONE, errorMessage: null };
  };
  if (partitions !== null)
    return { result: { partitions: partitions.map((each) => one(each.topic, each.index)) }, records };
  const all = [...image.topicsByName.values()].flatMap((topic) => [
    { topic: topic.name, index: undefined, errorCode: ERROR.NONE, errorMessage: null },
    ...topic.partitions
      .map(({ index }) => one(topic.name, index))
      .filter(({ errorCode }) => errorCode !== ERROR.ELECTION_NOT_NEEDED),
  ]);
  return { result: { partitions: all }, records };
}

function elect(
  image: MetadataImage,
  name: string,
  index: number,
  election: ElectLeaders['election'],
): MetadataRecordInput {
  const topic = image.topicsByName.get(name);
  if (topic === undefined) throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`);
  const partition = topic.partitions[index];
  if (partition === undefined) {
    throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`);
  }
  return election === 'preferred' ? preferred(image, topic, partition) : unclean(image, topic, partition);
}

function preferred(image: MetadataImage, topic: Topic, partition: PartitionInfo): MetadataRecordInput {
  const [first = NO_LEADER] = partition.replicas;
  if (partition.leader === first) throw notNeeded();
  if (!partition.isr.includes(first) || !isReplicaOnline(image, partition, first)) {
    const why = 'The preferred leader was not available.';
    throw new Refusal(ERROR.PREFERRED_LEADER_NOT_AVAILABLE, why);
  }
  return leads(topic, partition, first);
}

/** A replica that was not in sync becomes the whole in-sync set: what the others have beyond it is lost. */
function unclean(image: MetadataImage, topic: Topic, partition: PartitionInfo): MetadataRecordInput {
  if (partition.leader !== NO_LEADER) throw notNeeded();
  const inSync = partition.isr.find((id) => isReplicaOnline(image, partition, id));
  if (inSync !== undefined) return leads(topic, partition, inSync);
  const alive = partition.replicas.find((id) => isReplicaOnline(image, partition, id));
  if (alive === undefined) {
    const why = 'Eligible topic partition leaders are not available.';
    throw new Refusal(ERROR.ELIGIBLE_LEADERS_NOT_AVAILABLE, why);
  }
  return { ...leads(topic, partition, alive), isr: [alive] };
}

function leads(topic: Topic, { index }: PartitionInfo, leader: number) {
  return { type: 'PartitionChangeRecord' as const, topicId: topic.id, partitionId: index, leader };
}

function notNeeded(): Refusal {
  return new Refusal(ERROR.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.');
}

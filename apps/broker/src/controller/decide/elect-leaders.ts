/**
 * Decides elections: those that somebody asked for (ElectLeaders), and the active controller's own rounds, which let
 * preferred replicas (the first of the list) lead again and elect uncleanly where a topic's config says so.
 * Invariant: a leader that is right already stays, and a round is bounded, so that it never holds up other commands.
 */
import { ERROR, type MetadataRecordInput } from '@meridian/protocol';
import type { BalanceLeaders, ElectedPartition, ElectLeaders, MovedLeaders } from '../commands.ts';
import { brokerConfigNumber } from '../configs/effective.ts';
import type { MetadataImage, PartitionInfo, Topic } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { changesWhere } from './broker-changes.ts';
import { configSources, type DecideContext, type Decision, orRefusal, Refusal } from './decision.ts';
import { NO_LEADER, type PartitionChange } from './partition-change.ts';
import { PartitionChanger } from './partition-changer.ts';

export function decideElectLeaders(
  image: MetadataImage,
  { election, partitions }: ElectLeaders,
  context: DecideContext,
): Decision<{ partitions: readonly ElectedPartition[] }> {
  const changer = new PartitionChanger(image, context);
  const records = new Map<PartitionInfo, MetadataRecordInput>();
  const one = (name: string, index: number): ElectedPartition => {
    const decided = orRefusal(() => {
      const { topic, partition } = find(image, name, index);
      if (records.has(partition)) return;
      records.set(partition, elect(changer, topic, partition, election));
    });
    const { errorCode, message } = decided instanceof Refusal ? decided : NO_ERROR;
    return { topic: name, index, errorCode, errorMessage: message };
  };
  const elected = partitions?.map((each) => one(each.topic, each.index)) ?? allOf(image, one);
  return { result: { partitions: elected }, records: [...records.values()] };
}

const NO_ERROR = { errorCode: ERROR.NONE, message: null };

function find(image: MetadataImage, name: string, index: number): { topic: Topic; partition: PartitionInfo } {
  const topic = image.topicsByName.get(name);
  if (topic === undefined) throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `No such topic as ${name}`);
  const partition = topic.partitions[index];
  if (partition !== undefined) return { topic, partition };
  throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${name}-${index}`);
}

/** Of all partitions, those where something happened or failed. */
function allOf(image: MetadataImage, one: (name: string, index: number) => ElectedPartition): ElectedPartition[] {
  return [...image.topicsByName.values()].flatMap((topic) => [
    { topic: topic.name, index: undefined, errorCode: ERROR.NONE, errorMessage: null },
    ...topic.partitions
      .map(({ index }) => one(topic.name, index))
      .filter(({ errorCode }) => errorCode !== ERROR.ELECTION_NOT_NEEDED),
  ]);
}

function elect(
  changer: PartitionChanger,
  topic: Topic,
  partition: PartitionInfo,
  election: ElectLeaders['election'],
): PartitionChange {
  const isPreferred = election === 'preferred';
  if (isPreferred ? partition.leader === partition.replicas[0] : partition.leader !== NO_LEADER) {
    throw new Refusal(ERROR.ELECTION_NOT_NEEDED, 'Leader election not needed for topic partition.');
  }
  const change = changer.change(topic, partition, {}, election);
  if (change?.leader !== undefined && change.leader !== NO_LEADER) return change;
  throw isPreferred
    ? new Refusal(ERROR.PREFERRED_LEADER_NOT_AVAILABLE, 'The preferred leader was not available.')
    : new Refusal(ERROR.ELIGIBLE_LEADERS_NOT_AVAILABLE, 'Eligible topic partition leaders are not available.');
}

/** Of the brokers that lead too few of the partitions that prefer them (`leader.imbalance.per.broker.percentage`). */
export function decideBalanceLeaders(
  image: MetadataImage,
  { goesOn = false }: BalanceLeaders,
  context: DecideContext,
): Decision<MovedLeaders> {
  const percentage = brokerConfigNumber(configSources(image, context), 'leader.imbalance.per.broker.percentage');
  const allowed = goesOn ? 0 : percentage / 100;
  const counts = new Map<number, { preferring: number; missing: number }>();
  for (const { partitions } of image.topicsById.values()) {
    for (const { leader, replicas } of partitions) {
      const count = counts.get(replicas[0]!) ?? { preferring: 0, missing: 0 };
      counts.set(replicas[0]!, count);
      count.preferring += 1;
      if (leader !== replicas[0]) count.missing += 1;
    }
  }
  const isOff = (id: number): boolean => counts.get(id)!.missing / counts.get(id)!.preferring > allowed;
  const changer = new PartitionChanger(image, context);
  return round(image, (partition, topic) => {
    const first = partition.replicas[0]!;
    if (partition.leader === first || !isOff(first)) return undefined;
    const change = changer.change(topic, partition, {}, 'preferred');
    return change?.leader === first ? change : undefined;
  });
}

export function decideElectUncleanLeaders(image: MetadataImage, context: DecideContext): Decision<MovedLeaders> {
  const changer = new PartitionChanger(image, context);
  return round(image, (partition, topic) => {
    if (partition.leader !== NO_LEADER || !changer.isUncleanAllowed(topic.name)) return undefined;
    return changer.change(topic, partition, {}, 'unclean');
  });
}

function round(
  image: MetadataImage,
  choose: (partition: PartitionInfo, topic: Topic) => PartitionChange | undefined,
): Decision<MovedLeaders> {
  let moved = 0;
  let more = false;
  const records = changesWhere(image, (partition, topic) => {
    if (more) return undefined;
    const change = choose(partition, topic);
    if (change === undefined) return undefined;
    more = moved === CONTROLLER_LIMITS.electionsPerRound;
    if (more) return undefined;
    moved += 1;
    return change;
  });
  return { records, result: { moved, more } };
}

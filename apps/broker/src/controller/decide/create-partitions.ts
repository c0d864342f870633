/**
 * Decides CreatePartitions: raises partition counts, with Apache Kafka's checks. A copy's count is its origin's, so only
 * the mirror raises it.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { CreatePartitions, Outcome, Requester } from '../commands.ts';
import { DirectoryChooser } from '../directories.ts';
import type { MetadataImage, PartitionInfo } from '../image.ts';
import { CONTROLLER_LIMITS } from '../limits.ts';
import { type DecideContext, type Decision, duplicatesIn, orRefusal, outcome, Refusal, refused } from './decision.ts';
import { checkAssignment, newPartitionRecord, placeReplicas } from './placement.ts';
import { isCopy } from './promotion.ts';

type Growth = CreatePartitions['topics'][number];

export function decideCreatePartitions(
  image: MetadataImage,
  command: CreatePartitions,
  context: DecideContext,
): Decision<{ topics: readonly Outcome[] }> {
  const duplicates = duplicatesIn(command.topics.map((topic) => topic.name));
  const records: MetadataRecordInput[] = [];
  const outcomes: Outcome[] = [...duplicates].map((name) =>
    refused(name, ERROR.INVALID_REQUEST, 'Duplicate topic name.'),
  );
  for (const topic of command.topics) {
    if (duplicates.has(topic.name)) continue;
    const room = CONTROLLER_LIMITS.partitionsPerRequest - records.length;
    const decided = orRefusal(() => grow(image, topic, command.requester, context, room));
    if (decided instanceof Refusal) outcomes.push(outcome(topic.name, ZERO_UUID, decided));
    else {
      records.push(...decided);
      outcomes.push(outcome(topic.name, ZERO_UUID));
    }
  }
  return { records: command.validateOnly ? [] : records, result: { topics: outcomes } };
}

function grow(
  image: MetadataImage,
  { name, count, assignments }: Growth,
  requester: Requester,
  context: DecideContext,
  room: number,
): MetadataRecordInput[] {
  const topic = image.topicsByName.get(name);
  if (topic === undefined) {
    throw new Refusal(ERROR.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.');
  }
  if (requester === 'client' && isCopy(image.configOf('topic', name))) {
    throw new Refusal(ERROR.POLICY_VIOLATION, `Topic '${name}' is a copy: it grows with its origin.`);
  }
  const existing = topic.partitions.length;
  checkCount(name, existing, count, assignments, room);
  const [{ replicas: present, removingReplicas }] = topic.partitions as [PartitionInfo];
  const replicationFactor = present.length - removingReplicas.length;
  const replicas =
    assignments?.map(({ brokerIds }) => brokerIds) ??
    placeReplicas(image, count - existing, replicationFactor, context.random);
  const directories = new DirectoryChooser(image);
  return replicas.map((brokerIds, i) => {
    checkAssignment(image, brokerIds, replicationFactor);
    return newPartitionRecord(image, topic.id, existing + i, brokerIds, directories);
  });
}

function checkCount(
  name: string,
  existing: number,
  count: number,
  assignments: Growth['assignments'],
  room: number,
): void {
  const refuse = (code: number, why: string): never => {
    throw new Refusal(code, why);
  };
  if (count === existing) refuse(ERROR.INVALID_PARTITIONS, `Topic already has ${existing} partition(s).`);
  if (count < existing) {
    const why = `The topic ${name} currently has ${existing} partition(s); ${count} would not be an increase.`;
    refuse(ERROR.INVALID_PARTITIONS, why);
  }
  const added = count - existing;
  if (assignments !== null && assignments.length !== added) {
    const why = `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`;
    refuse(ERROR.INVALID_REPLICA_ASSIGNMENT, why);
  }
  if (added > room) refuse(ERROR.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
}

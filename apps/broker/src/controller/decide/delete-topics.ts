/**
 * Decides DeleteTopics, by name or by id, with Apache Kafka's checks. One record per topic; its partitions and configs go
 * with it.
 */
import { ERROR, type MetadataRecordInput, ZERO_UUID } from '@meridian/protocol';
import type { DeleteTopics, Outcome } from '../commands.ts';
import type { MetadataImage, Topic } from '../image.ts';
import { type Decision, duplicatesIn, outcome, refused } from './decision.ts';

export function decideDeleteTopics(
  image: MetadataImage,
  command: DeleteTopics,
): Decision<{ topics: readonly Outcome[] }> {
  const names = command.topics.flatMap(({ name, topicId }) => (name !== null && topicId === ZERO_UUID ? [name] : []));
  const ids = command.topics.flatMap(({ name, topicId }) => (name === null && topicId !== ZERO_UUID ? [topicId] : []));
  const found = new Set<Topic>();
  const outcomes: Outcome[] = [
    ...malformed(command),
    ...refuseDuplicates(names, ids),
    ...findById(image, ids, found),
    ...findByName(image, names, found),
  ];
  const records = [...found].map(({ id }): MetadataRecordInput => ({ type: 'RemoveTopicRecord', topicId: id }));
  const deleted = [...found].map(({ name, id }) => outcome(name, id));
  return { records, result: { topics: [...outcomes, ...deleted] } };
}

function malformed({ topics }: DeleteTopics): Outcome[] {
  return topics.flatMap(({ name, topicId }) => {
    if (name === null && topicId === ZERO_UUID) {
      return [refused(null, ERROR.INVALID_REQUEST, 'Neither topic name nor id were specified.')];
    }
    if (name !== null && topicId !== ZERO_UUID) {
      return [refused(name, ERROR.INVALID_REQUEST, 'You may not specify both topic name and topic id.', topicId)];
    }
    return [];
  });
}

function refuseDuplicates(names: readonly string[], ids: readonly string[]): Outcome[] {
  return [
    ...[...duplicatesIn(names)].map((name) => refused(name, ERROR.INVALID_REQUEST, 'Duplicate topic name.')),
    ...[...duplicatesIn(ids)].map((id) => refused(null, ERROR.INVALID_REQUEST, 'Duplicate topic id.', id)),
  ];
}

/** Puts the topics of all ids that are given once into `found`; returns what to answer for the others. */
function findById(image: MetadataImage, ids: readonly string[], found: Set<Topic>): Outcome[] {
  const duplicates = duplicatesIn(ids);
  return ids.flatMap((id) => {
    if (duplicates.has(id)) return [];
    const topic = image.topicsById.get(id);
    if (topic === undefined) {
      return [refused(null, ERROR.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.', id)];
    }
    found.add(topic);
    return [];
  });
}

/** The same by name. A topic that was also given by its id is not deleted at all: the request contradicts itself. */
function findByName(image: MetadataImage, names: readonly string[], found: Set<Topic>): Outcome[] {
  const duplicates = duplicatesIn(names);
  return names.flatMap((name) => {
    if (duplicates.has(name)) return [];
    const topic = image.topicsByName.get(name);
    if (topic === undefined) {
      const why = 'This server does not host this topic-partition.';
      return [refused(name, ERROR.UNKNOWN_TOPIC_OR_PARTITION, why)];
    }
    if (!found.delete(topic)) {
      found.add(topic);
      return [];
    }
    const why = 'The provided topic name maps to an ID that was already supplied.';
    return [refused(name, ERROR.INVALID_REQUEST, why, topic.id)];
  });
}

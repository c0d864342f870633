/** OffsetDelete: deletes a group's offsets of topics that it does not read. */
import { ERROR, OffsetDelete, type RequestOf } from '@meridian/protocol';
import type { Handler, HandlerReach } from './handler.ts';

export function createOffsetDeleteHandler({
  groups,
  image,
}: Pick<HandlerReach, 'groups' | 'image'>): Handler<typeof OffsetDelete> {
  const exists = (topic: string, partition: number): boolean =>
    image.topicsByName.get(topic)?.partitions[partition] !== undefined;
  return {
    api: OffsetDelete,
    async handle({ groupId, topics: named }) {
      const isWhole = named.every(({ name, partitions }) =>
        partitions.every((each) => exists(name, each.partitionIndex)),
      );
      const topics = isWhole ? named : onceEach(named);
      if (groupId === '') return { errorCode: ERROR.INVALID_GROUP_ID, topics: [] };
      const shard = groups.shardOf(groupId);
      if (typeof shard === 'number') return { errorCode: shard, topics: [] };
      const asked = topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
      );
      const known = asked.filter(({ topic, partition }) => exists(topic, partition));
      const codes = await shard.deleteOffsets(groupId, known);
      if (typeof codes === 'number') return { errorCode: codes, topics: [] };
      let next = 0;
      const answered = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const isKnown = exists(name, partitionIndex);
          return { partitionIndex, errorCode: isKnown ? codes[next++]! : ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        }),
      }));
      return { errorCode: ERROR.NONE, topics: answered };
    },
  };
}

type Topics = RequestOf<typeof OffsetDelete>['topics'];

/** As in Apache Kafka: beside partitions that do not exist, a topic that is named twice is answered once. */
function onceEach(topics: Topics): Topics {
  const byName = new Map<string, Topics[number]>();
  for (const { name, partitions } of topics) {
    byName.set(name, { name, partitions: [...(byName.get(name)?.partitions ?? []), ...partitions] });
  }
  return [...byName.values()];
}

/**
 * OffsetCommit: stores how far a group has read; answered when it is written. Topics and partitions that do not exist are
 * told one by one, the rest goes to the group's coordinator. From v10 on a topic goes by its id.
 */
import { ANY_OFFSET, ERROR, OffsetCommit, type RequestOf, ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage } from '../controller/image.ts';
import type { OffsetToCommit } from '../groups/group-shard.ts';
import type { Handler, HandlerReach, ListenerName } from './handler.ts';

type Request = RequestOf<typeof OffsetCommit>;
type Topic = Request['topics'][number];

const BY_ID_SINCE = 10;

export function createOffsetCommitHandler({
  groups,
  image,
}: Pick<HandlerReach, 'groups' | 'image'>): Handler<typeof OffsetCommit> {
  return {
    api: OffsetCommit,
    async handle(request, { version, source }) {
      const named = request.topics.map((topic) => ({ topic, ...namedTopic(topic, image, version) }));
      const offsets = named.flatMap(({ topic, name, count }) => toCommit(topic, name, count, source.listener));
      const codes = await commit(groups, request, offsets, version);
      let next = 0;
      const topics = named.map(({ topic, count, missing }) => ({
        name: topic.name,
        topicId: topic.topicId,
        partitions: topic.partitions.map(({ partitionIndex }) => {
          const exists = partitionIndex >= 0 && partitionIndex < count;
          return { partitionIndex, errorCode: exists ? codes[next++]! : missing };
        }),
      }));
      return { topics };
    },
  };
}

function namedTopic({ name, topicId }: Topic, image: MetadataImage, version: number) {
  const topic = version >= BY_ID_SINCE ? image.topicsById.get(topicId) : image.topicsByName.get(name);
  const isUnknownId = topic === undefined && version >= BY_ID_SINCE;
  const missing = isUnknownId ? ERROR.UNKNOWN_TOPIC_ID : ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  return { name: topic?.name ?? name, count: topic?.partitions.length ?? 0, missing };
}

function toCommit(
  { partitions, topicId }: Topic,
  topic: string,
  count: number,
  listener: ListenerName,
): OffsetToCommit[] {
  return partitions
    .filter(({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count)
    .map((each) => ({
      topic,
      topicId: topicId || ZERO_UUID,
      partition: each.partitionIndex,
      offset: each.committedOffset,
      leaderEpoch: each.committedLeaderEpoch,
      metadata: each.committedMetadata,
      expectedOffset: listener === 'internal' ? each.expectedOffset : ANY_OFFSET,
    }));
}

async function commit(
  groups: HandlerReach['groups'],
  request: Request,
  offsets: readonly OffsetToCommit[],
  version: number,
): Promise<readonly number[]> {
  if (offsets.length === 0) return [];
  const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, retentionTimeMs } = request;
  const shard = groups.shardOf(groupId);
  if (typeof shard === 'number') return offsets.map(() => shard);
  const committer = { memberId, instanceId: groupInstanceId, generationId: generationIdOrMemberEpoch };
  return shard.commit(groupId, committer, offsets, { version, retentionTimeMs });
}

/**
 * OffsetFetch: how far groups have read. Up to v7 for one group, then for several; from v10 on topics go by id. An offset
 * that was never committed is −1. Invariant: what was committed and answered before the request came in is in the answer.
 */
import { ERROR, OffsetFetch, type RequestOf, type ResponseInput, ZERO_UUID } from '@meridian/protocol';
import type { MetadataImage } from '../controller/image.ts';
import type { CommittedOffset, GroupOffsets } from '../groups/committed-offset.ts';
import type { Handler, HandlerReach } from './handler.ts';

type Group = RequestOf<typeof OffsetFetch>['groups'][number];
type Answer = NonNullable<ResponseInput<typeof OffsetFetch>['groups']>[number];
type Topic = Answer['topics'][number];
type Reach = Pick<HandlerReach, 'groups' | 'image'>;

const MANY_SINCE = 8;
const BY_ID_SINCE = 10;
/** From here on an error of the group stands beside the topics, before it in each partition. */
const GROUP_ERROR_SINCE = 2;

export function createOffsetFetchHandler(reach: Reach): Handler<typeof OffsetFetch> {
  return {
    api: OffsetFetch,
    async handle(request, { version }) {
      const asking = { version, requireStable: request.requireStable };
      if (version >= MANY_SINCE) {
        const groups = onceEach(request.groups);
        return { groups: await Promise.all(groups.map((group) => fetchGroup(group, asking, reach))) };
      }
      const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
      const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics };
      const answer = await fetchGroup(group, asking, reach);
      const { errorCode = ERROR.NONE } = answer;
      if (version >= GROUP_ERROR_SINCE || errorCode === ERROR.NONE) {
        return { topics: answer.topics.map(named), errorCode };
      }
      const failed = (topics ?? []).map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partition) => absent(partition, errorCode)),
      }));
      return { topics: failed };
    },
  };
}

/** A group that is asked for all its offsets is answered once, however often it is named. */
function onceEach(groups: readonly Group[]): readonly Group[] {
  const wholes = new Set<string>();
  return groups.filter(({ groupId, topics }) => {
    if (topics !== null) return true;
    const isNew = !wholes.has(groupId);
    wholes.add(groupId);
    return isNew;
  });
}

function named({ name, partitions }: Topic): { name: string; partitions: Topic['partitions'] } {
  return { name: name ?? '', partitions };
}

/** What one group's answer is made from. */
interface View {
  readonly offsets: GroupOffsets | undefined;
  readonly image: MetadataImage;
  readonly version: number;
  /** The client wants offsets that no open transaction may change, and this one may. */
  isUnstable(topic: string, partition: number): boolean;
}

interface Asking {
  readonly version: number;
  readonly requireStable: boolean;
}

async function fetchGroup(group: Group, { version, requireStable }: Asking, { groups, image }: Reach): Promise<Answer> {
  const { groupId } = group;
  const shard = groups.shardOf(groupId);
  if (typeof shard === 'number') return { groupId, topics: [], errorCode: shard };
  const offsets = await shard.offsetsOf(groupId);
  if (typeof offsets === 'number') return { groupId, topics: [], errorCode: offsets };
  const isUnstable = (topic: string, partition: number) =>
    requireStable && shard.isUnstable(groupId, { topic, partition });
  const view: View = { offsets, image, version, isUnstable };
  const topics = group.topics === null ? everyTopic(view) : group.topics.map((topic) => askedTopic(topic, view));
  return { groupId, topics, errorCode: ERROR.NONE };
}

function everyTopic({ offsets, image, version, isUnstable }: View): Topic[] {
  return Array.from(offsets?.topics() ?? [], ([name, partitions]) => ({
    name,
    topicId: image.topicsByName.get(name)?.id ?? ZERO_UUID,
    partitions: Array.from(partitions, ([partition, offset]) =>
      isUnstable(name, partition) ? absent(partition, ERROR.UNSTABLE_OFFSET_COMMIT) : present(partition, offset),
    ),
  })).filter(({ topicId }) => version < BY_ID_SINCE || topicId !== ZERO_UUID);
}

function askedTopic(asked: NonNullable<Group['topics']>[number], { offsets, image, version, isUnstable }: View): Topic {
  const { topicId, partitionIndexes } = asked;
  const name = version >= BY_ID_SINCE ? image.topicsById.get(topicId)?.name : asked.name;
  const partitions = partitionIndexes.map((partition) => {
    if (name === undefined) return absent(partition, ERROR.UNKNOWN_TOPIC_ID);
    if (isUnstable(name, partition)) return absent(partition, ERROR.UNSTABLE_OFFSET_COMMIT);
    const offset = offsets?.get(name, partition);
    return offset === undefined || isOfAnother(offset, topicId) ? absent(partition) : present(partition, offset);
  });
  return { name: name ?? '', topicId, partitions };
}

/** Committed for an earlier topic of the same name. */
function isOfAnother(offset: CommittedOffset, topicId: string): boolean {
  return offset.topicId !== ZERO_UUID && topicId !== ZERO_UUID && offset.topicId !== topicId;
}

function present(
  partitionIndex: number,
  { offset, leaderEpoch, metadata }: CommittedOffset,
): Topic['partitions'][number] {
  const errorCode = ERROR.NONE;
  return { partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata, errorCode };
}

function absent(partitionIndex: number, errorCode: number = ERROR.NONE): Topic['partitions'][number] {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
}

/**
 * What the simulated Apache Kafka answers about groups: FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup,
 * OffsetCommit, OffsetFetch, ListGroups, DescribeGroups. Invariant: a generation of −1 commits nothing while the group has
 * members.
 */
import {
  type DescribeGroups,
  ERROR,
  type FindCoordinator,
  type Heartbeat,
  type JoinGroup,
  type LeaveGroup,
  type ListGroups,
  type OffsetCommit,
  type OffsetFetch,
  type RequestOf,
  type ResponseInput,
  type SyncGroup,
} from '@meridian/protocol';
import type { KafkaContext } from './kafka-context.ts';
import { SimGroup } from './sim-group.ts';

/** From this version of JoinGroup on, a member that has no id is given one and asks again. */
const ID_FIRST = 4;
/** From these on FindCoordinator, LeaveGroup and OffsetFetch take several keys, members and groups. */
const SEVERAL_KEYS = 4;
const SEVERAL_MEMBERS = 3;
const SEVERAL_GROUPS = 8;

function groupOf({ disk }: KafkaContext, name: string): SimGroup {
  let group = disk.groups.get(name);
  if (group === undefined) {
    group = new SimGroup(name);
    disk.groups.set(name, group);
  }
  return group;
}

export function findCoordinator(
  { nodeId, host, port }: KafkaContext,
  body: RequestOf<typeof FindCoordinator>,
  version: number,
): ResponseInput<typeof FindCoordinator> {
  const node = { nodeId, host, port, errorCode: ERROR.NONE };
  return version < SEVERAL_KEYS ? node : { coordinators: body.coordinatorKeys.map((key) => ({ key, ...node })) };
}

export function joinGroup(
  kafka: KafkaContext,
  body: RequestOf<typeof JoinGroup>,
  version: number,
): Promise<ResponseInput<typeof JoinGroup>> | ResponseInput<typeof JoinGroup> {
  const group = groupOf(kafka, body.groupId);
  let { memberId } = body;
  if (memberId === '') {
    memberId = `member-${kafka.io.random.bytes(8).toString('hex')}`;
    group.promise(memberId);
    const nobody = { generationId: -1, protocolName: null, leader: '', members: [] };
    if (version >= ID_FIRST) return { ...nobody, errorCode: ERROR.MEMBER_ID_REQUIRED, memberId };
  }
  const rebalanceTimeoutMs = body.rebalanceTimeoutMs < 0 ? body.sessionTimeoutMs : body.rebalanceTimeoutMs;
  const joining = { ...body, memberId, rebalanceTimeoutMs };
  const nowMs = kafka.io.clock.monotonic();
  return new Promise((answer) => group.join(joining, nowMs, kafka.initialRebalanceDelayMs, answer));
}

export function syncGroup(
  kafka: KafkaContext,
  body: RequestOf<typeof SyncGroup>,
): Promise<ResponseInput<typeof SyncGroup>> {
  const group = groupOf(kafka, body.groupId);
  const assignments = new Map(body.assignments.map(({ memberId, assignment }) => [memberId, Buffer.from(assignment)]));
  const { protocolType, protocolName } = body;
  return new Promise((resolve) =>
    group.sync(body.memberId, body.generationId, assignments, (answer) =>
      resolve({ ...answer, protocolType, protocolName }),
    ),
  );
}

export function heartbeat(kafka: KafkaContext, body: RequestOf<typeof Heartbeat>): ResponseInput<typeof Heartbeat> {
  const group = groupOf(kafka, body.groupId);
  return { errorCode: group.heartbeat(body.memberId, body.generationId, kafka.io.clock.monotonic()) };
}

export function leaveGroup(
  kafka: KafkaContext,
  body: RequestOf<typeof LeaveGroup>,
  version: number,
): ResponseInput<typeof LeaveGroup> {
  const group = groupOf(kafka, body.groupId);
  const nowMs = kafka.io.clock.monotonic();
  if (version < SEVERAL_MEMBERS) return { errorCode: group.leave(body.memberId, nowMs) };
  const members = body.members.map(({ memberId, groupInstanceId }) => {
    return { memberId, groupInstanceId, errorCode: group.leave(memberId, nowMs) };
  });
  return { errorCode: ERROR.NONE, members };
}

export function offsetCommit(
  kafka: KafkaContext,
  body: RequestOf<typeof OffsetCommit>,
): ResponseInput<typeof OffsetCommit> {
  const group = groupOf(kafka, body.groupId);
  const refused = group.mayCommit(body.memberId, body.generationIdOrMemberEpoch);
  return {
    topics: body.topics.map(({ name, topicId, partitions }) => {
      const topic = kafka.topicOf(name, topicId);
      const commit = (each: (typeof partitions)[number]): number => {
        const { partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch } = each;
        if (topic?.partitions[partitionIndex] === undefined) return kafka.unknown(name);
        if (refused !== ERROR.NONE) return refused;
        const committed = { offset, leaderEpoch, metadata: each.committedMetadata ?? '' };
        group.offsets.set(`${topic.name}/${partitionIndex}`, committed);
        return ERROR.NONE;
      };
      const answers = partitions.map((each) => ({ partitionIndex: each.partitionIndex, errorCode: commit(each) }));
      return { name, topicId, partitions: answers };
    }),
  };
}

type AskedTopics = readonly { name: string; topicId?: string; partitionIndexes: readonly number[] }[] | null;

export function offsetFetch(
  kafka: KafkaContext,
  body: RequestOf<typeof OffsetFetch>,
  version: number,
): ResponseInput<typeof OffsetFetch> {
  if (version < SEVERAL_GROUPS) return { topics: offsetsOf(kafka, body.groupId, body.topics), errorCode: ERROR.NONE };
  return {
    groups: body.groups.map(({ groupId, topics }) => ({ groupId, topics: offsetsOf(kafka, groupId, topics) })),
  };
}

function offsetsOf(kafka: KafkaContext, groupId: string, asked: AskedTopics) {
  const offsets = kafka.disk.groups.get(groupId)?.offsets ?? new Map();
  const all = (): AskedTopics => {
    const places = [...offsets.keys()].map((key) => ({
      name: key.slice(0, key.lastIndexOf('/')),
      partition: Number(key.split('/').at(-1)),
    }));
    return [...Map.groupBy(places, ({ name }) => name)].map(([name, list]) => {
      return { name, partitionIndexes: list.map(({ partition }) => partition) };
    });
  };
  return (asked ?? all() ?? []).map(({ name, topicId, partitionIndexes }) => {
    const topic = kafka.topicOf(name, topicId ?? '');
    const partitions = partitionIndexes.map((partitionIndex) => {
      const found = offsets.get(`${topic?.name ?? name}/${partitionIndex}`);
      const { offset: committedOffset = -1, leaderEpoch: committedLeaderEpoch = -1, metadata = '' } = found ?? {};
      return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: ERROR.NONE };
    });
    return { name: topic?.name ?? name, ...(topic && { topicId: topic.id }), partitions };
  });
}

export function listGroups(
  { disk }: KafkaContext,
  body: RequestOf<typeof ListGroups>,
): ResponseInput<typeof ListGroups> {
  const wanted = body.statesFilter.map((state) => state.toLowerCase());
  const groups = [...disk.groups.values()]
    .filter(({ state }) => wanted.length === 0 || wanted.includes(state.toLowerCase()))
    .map(({ name, state, protocolType }) => {
      return { groupId: name, protocolType, groupState: state, groupType: 'classic' };
    });
  return { errorCode: ERROR.NONE, groups };
}

export function describeGroups(
  { disk }: KafkaContext,
  body: RequestOf<typeof DescribeGroups>,
): ResponseInput<typeof DescribeGroups> {
  const groups = body.groups.map((groupId) => {
    const group = disk.groups.get(groupId);
    const { state: groupState = 'Dead', protocolType = '' } = group ?? {};
    const members = (group?.describe() ?? []).map((each) => ({ ...each, clientId: '', clientHost: '' }));
    const errorCode = group === undefined ? ERROR.GROUP_ID_NOT_FOUND : ERROR.NONE;
    return { errorCode, groupId, groupState, protocolType, protocolData: '', members };
  });
  return { groups };
}

/**
 * Steps of classic consumer groups: commits from outside, and one member that joins, syncs, beats and leaves, at times
 * with a generation, an id or a protocol that the group does not have.
 */
import {
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '@meridian/protocol';
import type { Side } from '../side.ts';
import { type ScriptContext, type StepMaker, step, versionOf } from '../step.ts';
import { someTopic } from './read-steps.ts';

const BY_ID_SINCE = 10;
const STABLE_SINCE = 7;
const MANY_SINCE = 8;
const MEMBER_SINCE = 9;
const LEAVE_MANY_SINCE = 3;
/** A member that is not answered by then waits for somebody who will not come. */
const PATIENCE_MS = 1_500;
const LONG_MS = 60_000;
const METADATA = Buffer.from('0000000000010001740000000000', 'hex');
const ASSIGNMENT = Buffer.from('000000000001000174000000010000000000000000', 'hex');

const memberOf = (side: Side, group: string): string => side.members.get(group) ?? '';
const generationOf = (side: Side, group: string): number => side.generations.get(group) ?? -1;
const someGroup = ({ random, groups }: ScriptContext): string => (random.oneIn(15) ? '' : random.pick(groups));

/** Who asks: the member as it is, or one with something wrong. */
function someIdentity({
  random,
}: ScriptContext): (side: Side, group: string) => { memberId: string; generation: number } {
  const wrong = random.below(10);
  return (side, group) => ({
    memberId: wrong === 0 ? 'nobody' : memberOf(side, group),
    generation: generationOf(side, group) + (wrong === 1 ? 1 : wrong === 2 ? -1 : 0),
  });
}

export const offsetCommit: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, OffsetCommit);
  const groupId = someGroup(context);
  const name = someTopic(context);
  const identity = random.oneIn(2) ? someIdentity(context) : () => ({ memberId: '', generation: -1 });
  const partition = {
    partitionIndex: random.below(3),
    committedOffset: random.pick([0, 3, 7, -1]),
    committedMetadata: random.pick(['', 'note', null, 'x'.repeat(5_000)]),
  };
  return step(OffsetCommit, version, (side) => {
    const { memberId, generation } = identity(side, groupId);
    const topic = version >= BY_ID_SINCE ? { topicId: side.topicId(name) } : { name };
    const topics = [{ ...topic, partitions: [partition] }];
    return { groupId, memberId, generationIdOrMemberEpoch: generation, topics };
  });
};

export const offsetFetch: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, OffsetFetch);
  const name = someTopic(context);
  const partitionIndexes = [0, random.between(1, 3)];
  const isAll = version >= 2 && random.oneIn(4);
  const requireStable = version >= STABLE_SINCE && random.oneIn(3) ? { requireStable: true } : {};
  if (version < MANY_SINCE) {
    const groupId = someGroup(context);
    const topics = isAll ? null : [{ name, partitionIndexes }];
    return step(OffsetFetch, version, () => ({ groupId, topics, ...requireStable }));
  }
  const groupIds = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => someGroup(context));
  const member =
    version >= MEMBER_SINCE && random.oneIn(6) ? { memberId: 'nobody', memberEpoch: random.pick([0, 1]) } : {};
  return step(OffsetFetch, version, (side) => {
    const topic = version >= BY_ID_SINCE ? { topicId: side.topicId(name) } : { name };
    const topics = isAll ? null : [{ ...topic, partitionIndexes }];
    return { groups: groupIds.map((groupId) => ({ groupId, topics, ...member })), ...requireStable };
  });
};

export const joinGroup: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, JoinGroup);
  const groupId = someGroup(context);
  const request = {
    sessionTimeoutMs: random.oneIn(8) ? random.pick([1, 100_000_000]) : LONG_MS,
    ...(version >= 1 ? { rebalanceTimeoutMs: LONG_MS } : {}),
    protocolType: random.oneIn(10) ? random.pick(['', 'connect']) : 'consumer',
    protocols: random.oneIn(12) ? [] : [{ name: random.pick(['range', 'range', 'sticky']), metadata: METADATA }],
  };
  const isUnknown = random.oneIn(10);
  return step(
    JoinGroup,
    version,
    (side) => ({ groupId, ...request, memberId: isUnknown ? 'nobody' : memberOf(side, groupId) }),
    {
      limitMs: PATIENCE_MS,
      keep: (side, answer) => {
        if (answer.memberId !== '' && answer.memberId !== 'nobody') side.members.set(groupId, answer.memberId);
        if (answer.errorCode === 0) side.generations.set(groupId, answer.generationId);
      },
    },
  );
};

export const syncGroup: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, SyncGroup);
  const groupId = someGroup(context);
  const identity = someIdentity(context);
  const protocol =
    version >= 5
      ? {
          protocolType: random.oneIn(8) ? 'connect' : 'consumer',
          protocolName: random.pick(['range', 'range', 'sticky']),
        }
      : {};
  return step(
    SyncGroup,
    version,
    (side) => {
      const { memberId, generation } = identity(side, groupId);
      const assignments = [{ memberId: memberOf(side, groupId), assignment: ASSIGNMENT }];
      return { groupId, memberId, generationId: generation, assignments, ...protocol };
    },
    { limitMs: PATIENCE_MS },
  );
};

export const heartbeat: StepMaker = (context) => {
  const groupId = someGroup(context);
  const identity = someIdentity(context);
  return step(Heartbeat, versionOf(context.random, Heartbeat), (side) => {
    const { memberId, generation } = identity(side, groupId);
    return { groupId, memberId, generationId: generation };
  });
};

export const leaveGroup: StepMaker = (context) => {
  const { random } = context;
  const version = versionOf(random, LeaveGroup);
  const groupId = someGroup(context);
  const identity = someIdentity(context);
  const others = random.pick([[], [], [{ memberId: 'nobody' }], [{ memberId: '', groupInstanceId: 'i' }]]);
  return step(LeaveGroup, version, (side) => {
    const { memberId } = identity(side, groupId);
    return version >= LEAVE_MANY_SINCE ? { groupId, members: [{ memberId }, ...others] } : { groupId, memberId };
  });
};

export const describeGroups: StepMaker = (context) => {
  const groups = [someGroup(context), 'd-no-group'];
  const version = versionOf(context.random, DescribeGroups);
  const includeAuthorizedOperations = version >= 3 && context.random.oneIn(3);
  return step(DescribeGroups, version, () => ({ groups, includeAuthorizedOperations }), { isRead: true });
};

export const listGroups: StepMaker = ({ random, groups: own }) => {
  const version = versionOf(random, ListGroups);
  const statesFilter =
    version >= 4 && random.oneIn(2)
      ? random.pick([['Empty'], ['stable'], ['Nonsense'], ['Empty', 'PreparingRebalance'], ['Dead']])
      : [];
  const typesFilter =
    version >= 5 && random.oneIn(2) ? random.pick([['classic'], ['Consumer'], ['Nonsense'], ['Classic', 'share']]) : [];
  return step(ListGroups, version, () => ({ statesFilter, typesFilter }), {
    isRead: true,
    narrow: (answer) => ({ ...answer, groups: answer.groups.filter(({ groupId }) => own.includes(groupId)) }),
  });
};

export const deleteGroups: StepMaker = (context) => {
  const { random } = context;
  const groupsNames = random.oneIn(3) ? [someGroup(context), 'd-no-group', someGroup(context)] : [someGroup(context)];
  return step(DeleteGroups, versionOf(random, DeleteGroups), () => ({ groupsNames }));
};

export const offsetDelete: StepMaker = (context) => {
  const { random } = context;
  const groupId = someGroup(context);
  const partitions = Array.from({ length: random.pick([1, 1, 2]) }, () => ({ partitionIndex: random.below(3) }));
  const topics = [{ name: someTopic(context), partitions }];
  if (random.oneIn(4)) topics.push({ name: someTopic(context), partitions });
  return step(OffsetDelete, 0, () => ({ groupId, topics }));
};

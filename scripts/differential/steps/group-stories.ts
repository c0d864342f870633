/**
 * Stories of classic groups whose members depend on each other: they join, wait for each other, take each other's place
 * and are missed. Each member has a connection of its own, since it may wait in it.
 */
import {
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  type RequestInput,
  SyncGroup,
} from '@meridian/protocol';
import type { SeededRandom } from '../seeded-random.ts';
import type { Side } from '../side.ts';
import { type ScriptContext, type Step, type StepMaker, type StepOptions, step, versionOf } from '../step.ts';

const ID_FIRST_SINCE = 4;
const STATIC_JOIN_SINCE = 5;
const STATIC_SINCE = 3;
const MANY_LEAVE_SINCE = 3;
const PROTOCOL_SINCE = 5;
const COMMIT_STATIC_SINCE = 7;
const COMMIT_BY_ID_SINCE = 10;
const LONG_MS = 60_000;
/** A member that is not answered by then waits for somebody who will not come. */
const PATIENCE_MS = 1_500;
/** Of those who wait while others do something; far from any timer of theirs. */
const LONG_PATIENCE_MS = 6_000;
/** Both brokers' timers of `SHORT_MS` have certainly gone off by then. */
const SHORT_MS = 700;
const OVER_MS = 1_500;
const MANY = 1_000_000;

/** Consumers' subscriptions to a topic, in two versions of their schema. */
const SUBSCRIPTIONS = [
  Buffer.from('0000000000010001740000000000', 'hex'),
  Buffer.from('000100000001000174ffffffff00000000', 'hex'),
];

interface Role {
  readonly group: string;
  /** Under which its id is kept. */
  readonly name: string;
  readonly connection: number;
  readonly instanceId: string | null;
  readonly timeoutMs: number;
  readonly protocols: readonly string[];
}

const keyOf = ({ group, name }: Role): string => `${group}/${name}`;
const idOf = (side: Side, role: Role): string => side.members.get(keyOf(role)) ?? '';
const generationOf = (side: Side, { group }: Role): number => side.generations.get(group) ?? -1;

function join(random: SeededRandom, role: Role, mode: Step['mode'] = 'ask', forgetsId = false): Step {
  const { group, instanceId, timeoutMs, protocols } = role;
  const version = versionOf(random, JoinGroup, instanceId === null ? ID_FIRST_SINCE : STATIC_JOIN_SINCE);
  const metadata = random.pick(SUBSCRIPTIONS);
  return step(
    JoinGroup,
    version,
    (side): RequestInput<typeof JoinGroup> => ({
      groupId: group,
      sessionTimeoutMs: timeoutMs,
      rebalanceTimeoutMs: timeoutMs,
      memberId: forgetsId ? '' : idOf(side, role),
      protocolType: 'consumer',
      protocols: protocols.map((name) => ({ name, metadata })),
      ...(instanceId === null ? {} : { groupInstanceId: instanceId }),
    }),
    joinOptions(role, mode),
  );
}

function joinOptions(role: Role, mode: Step['mode']): StepOptions<typeof JoinGroup> {
  return {
    mode,
    connection: role.connection,
    limitMs: mode === 'send' ? LONG_PATIENCE_MS : PATIENCE_MS,
    keep: (side, answer) => {
      if (answer.memberId !== '') side.members.set(keyOf(role), answer.memberId);
      if (answer.errorCode === 0) side.generations.set(role.group, answer.generationId);
    },
  };
}

const collectJoin = (random: SeededRandom, role: Role): Step => ({ ...join(random, role), mode: 'collect' });

/** `led` are those that it assigns to, if it leads. */
function sync(random: SeededRandom, role: Role, led: readonly Role[], mode: Step['mode'] = 'ask'): Step {
  const version = versionOf(random, SyncGroup, role.instanceId === null ? undefined : STATIC_SINCE);
  const protocolName = role.protocols.at(-1)!;
  return step(
    SyncGroup,
    version,
    (side) => ({
      groupId: role.group,
      memberId: idOf(side, role),
      generationId: generationOf(side, role),
      assignments: led.map((each, n) => ({ memberId: idOf(side, each), assignment: Buffer.from([0, n]) })),
      ...(version >= PROTOCOL_SINCE ? { protocolType: 'consumer', protocolName } : {}),
      ...(role.instanceId === null ? {} : { groupInstanceId: role.instanceId }),
    }),
    { mode, connection: role.connection, limitMs: mode === 'send' ? LONG_PATIENCE_MS : PATIENCE_MS },
  );
}

const collectSync = (random: SeededRandom, role: Role): Step => ({ ...sync(random, role, []), mode: 'collect' });

function heartbeat(random: SeededRandom, role: Role, generationBy = 0): Step {
  const { group: groupId, instanceId } = role;
  const version = versionOf(random, Heartbeat, instanceId === null ? undefined : STATIC_SINCE);
  const identity = instanceId === null ? {} : { groupInstanceId: instanceId };
  return step(Heartbeat, version, (side) => {
    const generationId = generationOf(side, role) + generationBy;
    return { groupId, memberId: idOf(side, role), generationId, ...identity };
  });
}

function commit(random: SeededRandom, role: Role, topic: string, generationBy = 0): Step {
  const version = versionOf(random, OffsetCommit, role.instanceId === null ? undefined : COMMIT_STATIC_SINCE);
  const partitions = [{ partitionIndex: 0, committedOffset: random.below(9), committedMetadata: '' }];
  return step(OffsetCommit, version, (side) => ({
    groupId: role.group,
    memberId: idOf(side, role),
    generationIdOrMemberEpoch: generationOf(side, role) + generationBy,
    ...(role.instanceId === null ? {} : { groupInstanceId: role.instanceId }),
    topics: [{ ...(version >= COMMIT_BY_ID_SINCE ? { topicId: side.topicId(topic) } : { name: topic }), partitions }],
  }));
}

function leave(random: SeededRandom, roles: readonly Role[]): Step {
  const [first] = roles as [Role];
  const version = versionOf(random, LeaveGroup, MANY_LEAVE_SINCE);
  const byInstance = random.oneIn(2);
  return step(LeaveGroup, version, (side) => ({
    groupId: first.group,
    members: roles.map((role) => ({
      memberId: byInstance && role.instanceId !== null ? '' : idOf(side, role),
      groupInstanceId: role.instanceId,
    })),
  }));
}

function describe(random: SeededRandom, { group }: Role): Step {
  return step(DescribeGroups, versionOf(random, DescribeGroups), () => ({ groups: [group] }), { isRead: true });
}

/** What may be done between the acts; none of it waits. */
function asides(context: ScriptContext, roles: readonly Role[]): Step[] {
  const { random, topics } = context;
  return Array.from({ length: random.below(3) }, () => {
    const role = random.pick(roles);
    const off = random.oneIn(5) ? random.pick([1, -1]) : 0;
    return random.pick([
      () => heartbeat(random, role, off),
      () => commit(random, role, topics[0]!, off),
      () => describe(random, role),
    ])();
  });
}

const PROTOCOLS: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['range'], ['range']],
  [
    ['cooperative-sticky', 'range'],
    ['range', 'cooperative-sticky'],
  ],
  [['range', 'roundrobin'], ['roundrobin']],
  [['range'], ['sticky']],
];

/** Each story has a group of its own, beside those of the other steps. */
function roleOf(context: ScriptContext, story: string, name: string, rest: Partial<Role> = {}): Role {
  const group = `${context.groups[0]}-${story}`;
  return { group, name, connection: 1, instanceId: null, timeoutMs: LONG_MS, protocols: ['range'], ...rest };
}

/** One leads, another comes; then one of them goes. */
export const twoMembers: StepMaker = (context) => {
  const { random } = context;
  const [ours, others] = random.pick(PROTOCOLS);
  const story = `two${random.below(MANY)}`;
  const a = roleOf(context, story, 'a', { protocols: ours });
  const b = roleOf(context, story, 'b', { connection: 2, protocols: others });
  const both = [a, b];
  const gone = random.pick(both);
  const left = gone === a ? b : a;
  return [
    ...[join(random, a), join(random, a), sync(random, a, [a])],
    ...asides(context, [a]),
    ...[join(random, b), join(random, b, 'send')],
    ...asides(context, both),
    ...[join(random, a), collectJoin(random, b)],
    ...asides(context, both),
    ...[sync(random, b, [], 'send'), sync(random, a, random.oneIn(4) ? [a] : both), collectSync(random, b)],
    ...asides(context, both),
    ...[leave(random, random.oneIn(3) ? [gone, gone] : [gone]), heartbeat(random, left), join(random, left)],
    ...[sync(random, left, [left]), describe(random, left)],
  ].filter(() => !random.oneIn(25));
};

/** A static member comes back under the same name, and its old self is fenced. */
export const staticMember: StepMaker = (context) => {
  const { random } = context;
  const story = `static${random.below(MANY)}`;
  const protocols = random.pick([['range'], ['range', 'sticky']]);
  const old = roleOf(context, story, 'old', { instanceId: 'i1', protocols });
  const again = { ...old, name: 'again', connection: 2, protocols: random.oneIn(4) ? ['sticky', 'range'] : protocols };
  const other = { ...old, name: 'other', connection: 3, instanceId: 'i2' };
  const all = [old, again, other];
  return [
    ...[join(random, old), sync(random, old, [old])],
    ...asides(context, [old]),
    ...(random.oneIn(2) ? [join(random, other, 'send'), join(random, old), collectJoin(random, other)] : []),
    ...(random.oneIn(2) ? [sync(random, other, [], 'send'), sync(random, old, [old, other])] : []),
    join(random, again, 'ask', true),
    ...asides(context, all),
    ...[heartbeat(random, old), sync(random, old, [old]), join(random, old)],
    ...[sync(random, again, [again]), commit(random, again, context.topics[0]!)],
    ...asides(context, all),
    leave(random, random.pick([[again], [old, again], [other, again], [{ ...again, instanceId: 'nobody' }, again]])),
    ...asides(context, all),
    describe(random, again),
  ].filter(() => !random.oneIn(25));
};

/** Members that fall silent, before or after they were given anything. */
export const silentMember: StepMaker = (context) => {
  const { random } = context;
  const story = `silent${random.below(MANY)}`;
  const isStatic = random.oneIn(3);
  const a = roleOf(context, story, 'a', { timeoutMs: SHORT_MS, instanceId: isStatic ? 'i1' : null });
  const joins = isStatic ? [join(random, a)] : [join(random, a), join(random, a)];
  const silentAfter = random.below(3);
  const acts = [...(silentAfter === 0 && !isStatic ? joins.slice(0, 1) : joins)];
  if (silentAfter === 2) acts.push(sync(random, a, [a]));
  return [
    ...acts,
    describe(random, a),
    { ...heartbeat(random, a), pauseMs: OVER_MS },
    ...[describe(random, a), commit(random, a, context.topics[0]!), join(random, a), describe(random, a)],
  ];
};

/**
 * Consumer groups from outside: which there are, in which state, and what they have committed. For the mirror, which
 * carries offsets from region to region, and the command line. ListGroups 16, DescribeGroups 15, OffsetFetch 9, OffsetCommit 8.
 * Invariant: nothing is committed into a group that has members; the coordinator refuses it.
 */
import {
  DescribeGroups,
  ERROR,
  errorName,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
  type ResponseOf,
} from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import { type Coordinators, isPassing, type SendContext, withinCall } from './coordinators.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import { byTopic, keyOf } from './leader-queries.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { CallOptions, TopicPartition } from './types.ts';

export interface GroupListing {
  readonly group: string;
  /** Kafka's word: `Empty`, `Stable`, `PreparingRebalance`, … */
  readonly state: string;
  readonly protocolType: string;
}

export interface DescribedMember {
  readonly memberId: string;
  /** Both empty while the group is not `Stable`. */
  readonly metadata: Buffer;
  readonly assignment: Buffer;
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** −1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  /** Default −1: unknown. */
  readonly leaderEpoch?: number;
  /** Default ''. */
  readonly metadata?: string;
  /** Meridian's brokers commit only if this is what is committed now (−1: nothing); others do not look at it. */
  readonly expectedOffset?: number;
}

export interface CommitOutcome extends TopicPartition {
  /** 0, or Kafka's code: 25 UNKNOWN_MEMBER_ID says that the group has members. */
  readonly errorCode: number;
}

export interface GroupAdmin {
  /** Of all brokers. Rejects if one of them does not answer, as its groups would be missing. */
  listGroups(options?: CallOptions): Promise<GroupListing[]>;
  /** Of a classic group, as the coordinator knows them: those that died lately, too. None of a group that is not there. */
  groupMembers(group: string, options?: CallOptions): Promise<DescribedMember[]>;
  /** By group. One without offsets is there and empty; one whose coordinator refused for as long as the call took is missing. */
  committedOffsets(groups: readonly string[], options?: CallOptions): Promise<Map<string, CommittedOffset[]>>;
  /** Outside of a generation (−1), in the order of `offsets`; sent again only while the coordinator moves or loads. */
  commitOffsets(group: string, offsets: readonly OffsetToCommit[], options?: CallOptions): Promise<CommitOutcome[]>;
}

export interface GroupContext extends SendContext {
  readonly coordinators: Coordinators;
  readonly metadata: MetadataCache;
}

/** From 10 on they go by topic id, which the groups of topics that are gone have not. */
const BY_NAME = 9;
/** First version that takes several groups. */
const SEVERAL_GROUPS = 8;
/** Not of a generation: from outside of the group. */
const NO_GENERATION = -1;

export async function listGroups(context: GroupContext, options: CallOptions): Promise<GroupListing[]> {
  const deadline = new Deadline(context.io, options, context.limits.callTimeoutMs, 'groups');
  const { brokers } = await context.metadata.view([], { ...withinCall(deadline, context.limits), maxAgeMs: 0 });
  const listed = await Promise.all([...brokers.keys()].map((nodeId) => listGroupsAt(context, nodeId, deadline)));
  return listed.flat();
}

async function listGroupsAt(context: GroupContext, nodeId: number, deadline: Deadline): Promise<GroupListing[]> {
  const { io, limits } = context;
  for (let attempt = 1; ; attempt++) {
    const body = { statesFilter: [], typesFilter: [] };
    const answer = await context.send(ListGroups, body, nodeId, withinCall(deadline, limits));
    if (answer.errorCode === ERROR.NONE) {
      return answer.groups.map(({ groupId: group, groupState: state, protocolType }) => ({
        group,
        state,
        protocolType,
      }));
    }
    if (!isPassing(answer.errorCode)) throw refusal(`groups of broker ${nodeId}`, answer.errorCode);
    if (!(await deadline.sleep(backoffMs(io.random, limits, attempt)))) throw deadline.error();
  }
}

export async function groupMembers(
  { io, limits, coordinators }: GroupContext,
  group: string,
  options: CallOptions,
): Promise<DescribedMember[]> {
  const what = `members of ${group}`;
  const deadline = new Deadline(io, options, limits.callTimeoutMs, what);
  const body = { groups: [group], includeAuthorizedOperations: false };
  const errorOf = (answer: ResponseOf<typeof DescribeGroups>): number =>
    answer.groups[0]?.errorCode ?? ERROR.UNKNOWN_SERVER_ERROR;
  const question = { api: DescribeGroups, body, isHarmless: true, errorOf };
  const answer = await coordinators.request('group', group, question, deadline);
  const errorCode = errorOf(answer);
  if (errorCode === ERROR.GROUP_ID_NOT_FOUND) return [];
  if (errorCode !== ERROR.NONE) throw refusal(what, errorCode);
  return answer.groups[0]!.members.map(({ memberId, memberMetadata: metadata, memberAssignment: assignment }) => {
    return { memberId, metadata, assignment };
  });
}

export async function committedOffsets(
  context: GroupContext,
  groups: readonly string[],
  options: CallOptions,
): Promise<Map<string, CommittedOffset[]>> {
  const { io, limits, coordinators } = context;
  const deadline = new Deadline(io, options, limits.callTimeoutMs, 'committed offsets');
  const found = new Map<string, CommittedOffset[]>();
  let open = [...new Set(groups)];
  for (let attempt = 1; open.length > 0; attempt++) {
    const nodes = await coordinators.find('group', open, deadline);
    const byNode = Map.groupBy(open, (group) => nodes.get(group) ?? -1);
    const asked = [...byNode].flatMap(([nodeId, named]) =>
      nodeId < 0
        ? []
        : piecesOf(named, limits.coordinatorKeys).map((piece) => fetchAt(context, nodeId, piece, deadline)),
    );
    const again = new Set(byNode.get(-1));
    for (const answers of await Promise.all(asked)) {
      for (const { group, errorCode, offsets } of answers) {
        if (errorCode === ERROR.NONE) found.set(group, offsets);
        else if (isPassing(errorCode)) again.add(group);
      }
    }
    open = open.filter((group) => again.has(group));
    for (const group of open) coordinators.forget('group', group);
    if (open.length > 0 && !(await deadline.sleep(coordinators.backoffMs(attempt)))) {
      if (deadline.signal?.aborted) throw deadline.error();
      break;
    }
  }
  return found;
}

interface FetchedGroup {
  readonly group: string;
  readonly errorCode: number;
  readonly offsets: CommittedOffset[];
}

/** A coordinator that cannot be reached is one that may have moved. */
async function fetchAt(
  { send, limits }: GroupContext,
  nodeId: number,
  groups: readonly string[],
  deadline: Deadline,
): Promise<FetchedGroup[]> {
  const body = { groups: groups.map((groupId) => ({ groupId, topics: null })) };
  const call = { ...withinCall(deadline, limits), version: BY_NAME, minVersion: SEVERAL_GROUPS };
  try {
    const answer = await send(OffsetFetch, body, nodeId, call);
    return answer.groups.map(({ groupId: group, errorCode, topics }) => ({
      group,
      errorCode,
      offsets: offsetsOf(topics),
    }));
  } catch (error) {
    if (!(error instanceof ClientError) || !UNREACHED.has(error.code)) throw error;
    return groups.map((group) => ({ group, errorCode: ERROR.COORDINATOR_NOT_AVAILABLE, offsets: [] }));
  }
}

const UNREACHED: ReadonlySet<string> = new Set(['unreachable', 'disconnected', 'unknown-node', 'timeout']);

type FetchedTopics = ResponseOf<typeof OffsetFetch>['groups'][number]['topics'];

function offsetsOf(topics: FetchedTopics): CommittedOffset[] {
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions
      .filter(({ errorCode, committedOffset }) => errorCode === ERROR.NONE && committedOffset >= 0)
      .map(({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata }) => ({
        topic,
        partition,
        offset,
        leaderEpoch,
        metadata: metadata ?? '',
      })),
  );
}

function piecesOf<T>(list: readonly T[], size: number): T[][] {
  const pieces: T[][] = [];
  for (let from = 0; from < list.length; from += size) pieces.push(list.slice(from, from + size));
  return pieces;
}

export async function commitOffsets(
  { io, limits, coordinators }: GroupContext,
  group: string,
  offsets: readonly OffsetToCommit[],
  options: CallOptions,
): Promise<CommitOutcome[]> {
  if (offsets.length === 0) return [];
  const deadline = new Deadline(io, options, limits.callTimeoutMs, `commit of ${group}`);
  const topics = byTopic(offsets).map(([name, list]) => ({ name, partitions: list.map(commitOf) }));
  const body = { groupId: group, generationIdOrMemberEpoch: NO_GENERATION, memberId: '', topics };
  const codesOf = (answer: ResponseOf<typeof OffsetCommit>) =>
    answer.topics.flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })));
  const errorOf = (answer: ResponseOf<typeof OffsetCommit>): number =>
    codesOf(answer).find(({ errorCode }) => isPassing(errorCode))?.errorCode ?? ERROR.NONE;
  const question = { api: OffsetCommit, body, maxVersion: BY_NAME, isHarmless: false, errorOf };
  const answer = await coordinators.request('group', group, question, deadline);
  const codes = new Map(codesOf(answer).map((each) => [keyOf(each.name, each.partitionIndex), each.errorCode]));
  return offsets.map(({ topic, partition }) => {
    const errorCode = codes.get(keyOf(topic, partition)) ?? ERROR.UNKNOWN_SERVER_ERROR;
    return { topic, partition, errorCode };
  });
}

const commitOf = ({ partition, offset, leaderEpoch = -1, metadata = '', expectedOffset }: OffsetToCommit) => ({
  partitionIndex: partition,
  committedOffset: offset,
  committedLeaderEpoch: leaderEpoch,
  committedMetadata: metadata,
  ...(expectedOffset !== undefined && { expectedOffset }),
});

const refusal = (what: string, errorCode: number): ClientError =>
  new ClientError('refused', `${what}, ${errorName(errorCode)}`);

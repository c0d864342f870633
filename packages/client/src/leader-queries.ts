/**
 * Questions about partitions that only their leaders can answer (ListOffsets, OffsetForLeaderEpoch): grouped by
 * leader, asked at once, and asked again for those that were refused retriably.
 * Invariant: answers come in the order of the questions, one each.
 */
import type { Io } from '@meridian/io';
import {
  type Api,
  ERROR,
  isRetriable,
  ListOffsets,
  OffsetForLeaderEpoch,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import { Deadline } from './deadline.ts';
import type { ClientLimits } from './limits.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type {
  CallOptions,
  EpochEnd,
  EpochQuery,
  ListedOffset,
  ListOffsetsOptions,
  OffsetQuery,
  QueryOptions,
  TopicPartition,
} from './types.ts';

export interface QueryContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly limits: ClientLimits;
  readonly metadata: MetadataCache;
  request<A extends Api>(api: A, body: RequestInput<A>, to: number, options: CallOptions): Promise<ResponseOf<A>>;
}

interface Answered {
  readonly errorCode: number;
}

/** How one kind of question is asked of a leader, and what it is answered if no leader can be asked. */
export interface Question<Q, R> {
  ask(nodeId: number, queries: readonly Q[], options: CallOptions): Promise<Map<string, R>>;
  unanswered(query: Q): R;
}

export const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/** A leader refuses a request that names a partition twice (INVALID_REQUEST): the second question goes into the next one. */
export async function askLeaders<Q extends TopicPartition, R extends Answered>(
  context: QueryContext,
  queries: readonly Q[],
  options: QueryOptions,
  question: Question<Q, R>,
): Promise<R[]> {
  const rounds: Map<string, { index: number; query: Q }>[] = [];
  for (const [index, query] of queries.entries()) {
    const key = keyOf(query.topic, query.partition);
    const free = rounds.find((round) => !round.has(key));
    if (free === undefined) rounds.push(new Map([[key, { index, query }]]));
    else free.set(key, { index, query });
  }
  const answers = new Array<R>(queries.length);
  for (const round of rounds) {
    const asked = [...round.values()];
    const once = asked.map(({ query }) => query);
    const found = await askDistinct(context, once, options, question);
    asked.forEach(({ index }, at) => {
      answers[index] = found[at]!;
    });
  }
  return answers;
}

async function askDistinct<Q extends TopicPartition, R extends Answered>(
  context: QueryContext,
  queries: readonly Q[],
  options: QueryOptions,
  question: Question<Q, R>,
): Promise<R[]> {
  const deadline = new Deadline(context.io, options, context.limits.callTimeoutMs, 'partition leaders');
  const retryForMs = Math.min(options.retryForMs ?? Number.POSITIVE_INFINITY, deadline.remainingMs());
  const retrying = new Deadline(context.io, { ...options, timeoutMs: retryForMs }, retryForMs, 'partition leaders');
  const answers = new Map<string, R>();
  let open = [...queries];
  for (let attempt = 1; open.length > 0; attempt++) {
    const failure = await askOnce(context, open, { deadline, retrying }, answers, question);
    open = open.filter(({ topic, partition }) => {
      const answer = answers.get(keyOf(topic, partition));
      return answer === undefined || isRetriable(answer.errorCode);
    });
    if (open.length === 0) break;
    for (const { topic } of open) context.metadata.invalidate(topic);
    if (await retrying.sleep(backoffMs(context.io.random, context.limits, attempt))) continue;
    if (deadline.signal?.aborted) throw deadline.error();
    const mayBePartial = options.retryForMs !== undefined && answers.size > 0;
    const isPartial = open.some((query) => !answers.has(keyOf(query.topic, query.partition)));
    if (failure !== undefined && isPartial && !mayBePartial) throw failure;
    break;
  }
  return queries.map((query) => answers.get(keyOf(query.topic, query.partition)) ?? question.unanswered(query));
}

/** One round; returns what failed, if anything did. */
async function askOnce<Q extends TopicPartition, R>(
  context: QueryContext,
  queries: readonly Q[],
  { deadline, retrying }: { deadline: Deadline; retrying: Deadline },
  answers: Map<string, R>,
  question: Question<Q, R>,
): Promise<unknown> {
  const within = ({ signal }: Deadline, timeoutMs: number) => ({ timeoutMs, ...(signal ? { signal } : {}) });
  const byLeader = new Map<number, Q[]>();
  let failure: unknown;
  const waiting = within(retrying, retrying.remainingMs());
  const leaders = await Promise.allSettled(
    queries.map(({ topic, partition }) => context.metadata.leaderOf(topic, partition, waiting)),
  );
  for (const [index, leader] of leaders.entries()) {
    const query = queries[index]!;
    if (leader.status === 'rejected') {
      failure = leader.reason;
      continue;
    }
    const group = byLeader.get(leader.value);
    if (group === undefined) byLeader.set(leader.value, [query]);
    else group.push(query);
  }
  const left = within(deadline, deadline.remainingMs());
  const asked = [...byLeader].map(([leader, group]) => question.ask(leader, group, left));
  for (const outcome of await Promise.allSettled(asked)) {
    if (outcome.status === 'rejected') failure = outcome.reason;
    else for (const [key, answer] of outcome.value) answers.set(key, answer);
  }
  return failure;
}

export function byTopic<Q extends TopicPartition>(queries: readonly Q[]): [string, Q[]][] {
  const topics = new Map<string, Q[]>();
  for (const query of queries) {
    const group = topics.get(query.topic);
    if (group === undefined) topics.set(query.topic, [query]);
    else group.push(query);
  }
  return [...topics];
}

export function listOffsets(
  context: QueryContext,
  queries: readonly OffsetQuery[],
  options: ListOffsetsOptions,
): Promise<ListedOffset[]> {
  const isolationLevel = options.isolation === 'read_committed' ? 1 : 0;
  const ask: Question<OffsetQuery, ListedOffset>['ask'] = async (nodeId, group, left) => {
    const topics = byTopic(group).map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
    }));
    const answer = await context.request(ListOffsets, { replicaId: -1, isolationLevel, topics }, nodeId, left);
    const found = new Map<string, ListedOffset>();
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of partitions) {
        const listed = { topic: name, partition: partitionIndex, errorCode, offset, timestamp, leaderEpoch };
        found.set(keyOf(name, partitionIndex), listed);
      }
    }
    return found;
  };
  const unanswered = ({ topic, partition }: OffsetQuery): ListedOffset => ({
    topic,
    partition,
    errorCode: ERROR.LEADER_NOT_AVAILABLE,
    offset: -1,
    timestamp: -1,
    leaderEpoch: -1,
  });
  return askLeaders(context, queries, options, { ask, unanswered });
}

export function offsetForLeaderEpoch(
  context: QueryContext,
  queries: readonly EpochQuery[],
  options: QueryOptions,
): Promise<EpochEnd[]> {
  const ask: Question<EpochQuery, EpochEnd>['ask'] = async (nodeId, group, left) => {
    const topics = byTopic(group).map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition, leaderEpoch }) => ({ partition, leaderEpoch })),
    }));
    const answer = await context.request(OffsetForLeaderEpoch, { replicaId: -1, topics }, nodeId, left);
    const found = new Map<string, EpochEnd>();
    for (const { topic, partitions } of answer.topics) {
      for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
        found.set(keyOf(topic, partition), { topic, partition, errorCode, leaderEpoch, endOffset });
      }
    }
    return found;
  };
  const unanswered = ({ topic, partition }: EpochQuery): EpochEnd => ({
    topic,
    partition,
    errorCode: ERROR.LEADER_NOT_AVAILABLE,
    leaderEpoch: -1,
    endOffset: -1,
  });
  return askLeaders(context, queries, options, { ask, unanswered });
}

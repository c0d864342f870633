/**
 * What tasks ask a region before they fetch from it or append to it: where logs begin and end, how far epochs go, and of
 * which origin's epoch a copy's end is. Shared by the tasks of a link, one per side.
 * Invariant: a partition that nobody answers for keeps the others waiting no longer than `questionRetryMs`.
 */
import {
  type Client,
  ClientError,
  EARLIEST,
  type EpochEnd,
  LATEST,
  type ListedOffset,
  type TopicPartition,
} from '@meridian/client';
import {
  DescribeProducers,
  ERROR,
  errorName,
  Fetch,
  MIRROR_FEATURE,
  type RequestInput,
  ZERO_UUID,
} from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import { Batched } from './batched.ts';
import type { OpenTransaction } from './broken-transactions.ts';
import { offsetOf } from './listed-offset.ts';

type Limits = Pick<MirrorLimits, 'requestTimeoutMs' | 'questionRetryMs' | 'questionsAtOnce'>;
type CopyEnd = TopicPartition & { readonly end: number };
type FetchTopics = RequestInput<typeof Fetch>['topics'];

export interface LogRange {
  readonly start: number;
  readonly end: number;
}

export class RegionQuestions {
  private readonly client: Client;
  private readonly call: { readonly timeoutMs: number; readonly retryForMs: number };
  private readonly starts: Batched<TopicPartition, ListedOffset>;
  private readonly ends: Batched<TopicPartition, ListedOffset>;
  private readonly epochs: Batched<TopicPartition & { readonly leaderEpoch: number }, EpochEnd>;
  private readonly originEpochs: Batched<CopyEnd, number | Error>;

  constructor(client: Client, limits: Limits) {
    const most = limits.questionsAtOnce;
    const list = (timestamp: number) =>
      new Batched<TopicPartition, ListedOffset>(most, (asked) =>
        client.listOffsets(
          asked.map(({ topic, partition }) => ({ topic, partition, timestamp })),
          this.call,
        ),
      );
    this.client = client;
    this.call = { timeoutMs: limits.requestTimeoutMs, retryForMs: limits.questionRetryMs };
    this.starts = list(EARLIEST);
    this.ends = list(LATEST);
    this.epochs = new Batched(most, (asked) => client.offsetForLeaderEpoch(asked, this.call));
    this.originEpochs = new Batched(most, (asked) => this.askOriginEpochs(asked));
  }

  /** The end is asked for last, so that it is never below the start. `side`: what it is called in a reason. */
  async range({ topic, partition }: TopicPartition, side: string): Promise<LogRange> {
    const start = offsetOf([await this.starts.ask({ topic, partition })], side);
    return { start, end: offsetOf([await this.ends.ask({ topic, partition })], side) };
  }

  /** The origin's largest epoch ≤ the one asked for, and where that ends; −1: it knows none. */
  async epochEnd({ topic, partition }: TopicPartition, leaderEpoch: number) {
    const { errorCode, ...answer } = await this.epochs.ask({ topic, partition, leaderEpoch });
    if (errorCode !== ERROR.NONE) throw new Error(`epochs of the origin: ${errorName(errorCode)}`);
    return { epoch: answer.leaderEpoch, endOffset: answer.endOffset };
  }

  /** Of the copy's last record below `end`; −1: it has none. */
  async originEpoch({ topic, partition }: TopicPartition, end: number): Promise<number> {
    const answer = await this.originEpochs.ask({ topic, partition, end });
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** As the partition's leader tells them; undefined: it cannot (Apache Kafka before 2.8). */
  async openTransactions({ topic, partition }: TopicPartition): Promise<OpenTransaction[] | undefined> {
    const { client, call } = this;
    const leader = await client.leaderOf(topic, partition, call);
    const body = { topics: [{ name: topic, partitionIndexes: [partition] }] };
    const answer = await client.send(DescribeProducers, body, leader, call).catch((error: unknown) => {
      if (error instanceof ClientError && error.code === 'unsupported-version') return undefined;
      throw error;
    });
    if (answer === undefined) return undefined;
    const described = answer.topics[0]?.partitions[0];
    const errorCode = described?.errorCode ?? ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    if (described === undefined || errorCode !== ERROR.NONE) {
      await client.metadata([topic], { ...call, maxAgeMs: 0 });
      throw new Error(`the producers of ${topic}-${partition}: ${errorName(errorCode)}`);
    }
    const open = described.activeProducers.filter(({ currentTxnStartOffset }) => currentTxnStartOffset >= 0);
    return open.map(({ currentTxnStartOffset: startOffset, ...producer }) => ({ ...producer, startOffset }));
  }

  private async askOriginEpochs(asked: readonly CopyEnd[]): Promise<(number | Error)[]> {
    const leaders = await Promise.allSettled(
      asked.map(({ topic, partition }) => this.client.leaderOf(topic, partition, this.call)),
    );
    const byLeader = Map.groupBy(
      asked.keys().filter((index) => leaders[index]!.status === 'fulfilled'),
      (index) => (leaders[index] as PromiseFulfilledResult<number>).value,
    );
    const answers = leaders.map((leader): number | Error =>
      leader.status === 'rejected' ? (leader.reason as Error) : new Error('no answer'),
    );
    const rounds = [...byLeader].map(async ([leader, indexes]) => {
      const copies = indexes.map((index) => asked[index]!);
      const found = await this.askLeader(leader, copies).catch((error: Error) => copies.map(() => error));
      for (const [at, index] of indexes.entries()) answers[index] = found[at]!;
    });
    await Promise.all(rounds);
    return answers;
  }

  /** Nothing is fetched but what the leader knows of the origin's epochs. */
  private async askLeader(leader: number, copies: readonly CopyEnd[]): Promise<(number | Error)[]> {
    const { client, call } = this;
    const names = [...new Set(copies.map(({ topic }) => topic))];
    if (!(await client.supports(leader, MIRROR_FEATURE, call))) {
      throw new Error(`the broker of ${names[0]} does not take mirror appends (no ${MIRROR_FEATURE})`);
    }
    const view = (await client.metadata(names, call)).topics;
    const idOf = (name: string): string => view.get(name)?.id ?? ZERO_UUID;
    const topics: FetchTopics = names.map((topic) => ({
      topic,
      topicId: idOf(topic),
      partitions: askedOf(copies, topic),
    }));
    const answer = await client.send(Fetch, { maxWaitMs: 0, minBytes: 0, maxBytes: 1, topics }, leader, call);
    const found = new Map(
      answer.responses.flatMap(({ topic, topicId, partitions }) =>
        partitions.map((each) => [`${topic || topicId}/${each.partitionIndex}`, each] as const),
      ),
    );
    const answers = copies.map(({ topic, partition, end }) => {
      const each = found.get(`${topic}/${partition}`) ?? found.get(`${idOf(topic)}/${partition}`);
      const errorCode = each?.errorCode ?? (answer.errorCode || ERROR.UNKNOWN_TOPIC_OR_PARTITION);
      if (each !== undefined && errorCode === ERROR.NONE) {
        return each.originEpochs.findLast((entry) => entry.startOffset < end)?.epoch ?? -1;
      }
      return new Error(`the epochs of ${topic}-${partition}: ${errorName(errorCode)}`);
    });
    if (answers.some((each) => each instanceof Error)) await client.metadata(names, { ...call, maxAgeMs: 0 });
    return answers;
  }
}

function askedOf(copies: readonly CopyEnd[], name: string): FetchTopics[number]['partitions'] {
  const asked = { partitionMaxBytes: 0, originEpochsFrom: 0 };
  return copies.flatMap(({ topic, partition, end }) =>
    topic === name ? [{ partition, fetchOffset: end, ...asked }] : [],
  );
}

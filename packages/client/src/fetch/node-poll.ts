/**
 * The long polls to one leader, for all partitions of a fetcher that it leads. Usually one request is out. A partition
 * that joins or resumes meanwhile does not wait for it: it goes into a second one, held for a shorter time.
 *
 *   main out, long    a second one serves late-comers, again and again
 *   main comes back while a second one is out: its next poll is a short one
 *   main out, short   what the second one brought back waits for main, and goes along with it from then on
 *
 * Invariant: a partition is in one request at a time.
 */
import { ERROR, Fetch, type RequestInput, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import type { NodePool, Purpose } from '../connection/node-pool.ts';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { FetchPartition } from './fetch-partition.ts';
import type { FetcherOptions } from './fetch-types.ts';

export interface PollContext {
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
  readonly options: Required<Omit<FetcherOptions, 'adaptive' | 'memory'>>;
  readonly memory: FetcherOptions['memory'];
  readonly isPaused: () => boolean;
  /** The partition's leader has to be found again. */
  onLost(partitions: readonly FetchPartition[], reason: string): void;
}

interface Lane {
  readonly purpose: Purpose;
  isBusy: boolean;
  isShort: boolean;
}

/** First version that names topics by id. */
const BY_ID = 13;

export class NodePoll {
  private readonly context: PollContext;
  private readonly nodeId: number;
  /** In the order in which they are asked for: what brought data goes to the back. */
  private readonly partitions = new Set<FetchPartition>();
  private readonly main: Lane;
  private readonly second: Lane;
  private scheduled = false;
  private isClosed = false;

  constructor(context: PollContext, nodeId: number, fetcherId: number) {
    this.context = context;
    this.nodeId = nodeId;
    this.main = { purpose: `fetch:${fetcherId}:main`, isBusy: false, isShort: false };
    this.second = { purpose: `fetch:${fetcherId}:second`, isBusy: false, isShort: true };
  }

  add(partition: FetchPartition): void {
    this.partitions.add(partition);
    this.wake();
  }

  remove(partition: FetchPartition): void {
    this.partitions.delete(partition);
  }

  close(): void {
    this.isClosed = true;
    this.partitions.clear();
  }

  /** Polls at the end of the turn, together with what else becomes ready in it. */
  wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    void Promise.resolve().then(() => {
      this.scheduled = false;
      this.pump();
    });
  }

  private pump(): void {
    if (this.isClosed || this.context.isPaused()) return;
    const lane = this.freeLane();
    if (lane === undefined) return;
    const ready = [...this.partitions].filter((partition) => partition.wantsFetch);
    if (ready.length === 0) return;
    const suspect = ready.find((partition) => partition.suspectedHoleEnd >= 0);
    void this.poll(lane, suspect === undefined ? ready : [suspect], suspect !== undefined);
    if (suspect !== undefined && ready.length > 1) this.wake();
  }

  private freeLane(): Lane | undefined {
    if (!this.main.isBusy) return this.main;
    return this.second.isBusy || this.main.isShort ? undefined : this.second;
  }

  private async poll(lane: Lane, partitions: readonly FetchPartition[], isProbe: boolean): Promise<void> {
    const { options, limits } = this.context;
    lane.isBusy = true;
    lane.isShort = !isProbe && (lane === this.second || this.second.isBusy);
    const maxWaitMs = isProbe
      ? 0
      : lane.isShort
        ? Math.min(limits.fetchSecondLaneWaitMs, options.maxWaitMs)
        : options.maxWaitMs;
    for (const partition of partitions) partition.isInFlight = true;
    const generations = partitions.map((partition) => partition.generation);
    let answer: ResponseOf<typeof Fetch> | undefined;
    let reason = '';
    try {
      const connection = await this.context.pool.connect(this.nodeId, lane.purpose);
      const best = connection.versionFor(Fetch);
      const version = partitions.some(({ topicId }) => topicId === ZERO_UUID) ? Math.min(best, BY_ID - 1) : best;
      const body = this.requestFor(partitions, maxWaitMs, isProbe);
      const timeoutMs = maxWaitMs + limits.requestTimeoutMs;
      answer = await connection.request(Fetch, version, body, { timeoutMs, memory: this.context.memory });
    } catch (error) {
      reason = (error as Error).message;
      if (error instanceof ClientError && error.code === 'timeout') this.context.pool.avoid(this.nodeId);
    }
    lane.isBusy = lane.isShort = false;
    for (const partition of partitions) partition.isInFlight = false;
    if (this.isClosed) return;
    if (answer === undefined) this.lose(partitions, reason);
    else this.distribute(partitions, generations, answer, partitions.length === 1);
    this.wake();
  }

  private requestFor(
    partitions: readonly FetchPartition[],
    maxWaitMs: number,
    isProbe: boolean,
  ): RequestInput<typeof Fetch> {
    const { options } = this.context;
    return {
      maxWaitMs,
      minBytes: isProbe ? 0 : options.minBytes,
      maxBytes: options.maxBytes,
      isolationLevel: options.isolation === 'read_committed' ? 1 : 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: topicsOf(partitions, options.partitionMaxBytes),
      forgottenTopicsData: [],
    };
  }

  private distribute(
    partitions: readonly FetchPartition[],
    generations: readonly number[],
    answer: ResponseOf<typeof Fetch>,
    alone: boolean,
  ): void {
    const answers = new Map<string, ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]>();
    for (const { topic, topicId, partitions: answered } of answer.responses) {
      for (const each of answered) answers.set(`${topic || topicId}/${each.partitionIndex}`, each);
    }
    const lost: FetchPartition[] = [];
    partitions.forEach((partition, index) => {
      if (partition.generation !== generations[index]) return;
      const { topic, topicId, partition: number } = partition;
      const found = answers.get(`${topic}/${number}`) ?? answers.get(`${topicId}/${number}`);
      if (found !== undefined && found.errorCode !== ERROR.NONE) {
        partition.knowsLeader = this.context.metadata.learn(
          partition,
          this.nodeId,
          found.currentLeader,
          answer.nodeEndpoints,
        );
      }
      const aftermath = found?.errorCode === undefined ? 'lost' : partition.take(found, this.readsCommitted, alone);
      if (aftermath === 'lost') lost.push(partition);
      else if (aftermath === 'data') this.toTheBack(partition);
    });
    if (lost.length > 0) this.lose(lost, '');
  }

  private get readsCommitted(): boolean {
    return this.context.options.isolation === 'read_committed';
  }

  private toTheBack(partition: FetchPartition): void {
    if (this.partitions.delete(partition)) this.partitions.add(partition);
  }

  private lose(partitions: readonly FetchPartition[], reason: string): void {
    const still = partitions.filter((partition) => this.partitions.delete(partition));
    this.context.onLost(still, reason);
  }
}

/** Neighbours of one topic share its entry. */
function topicsOf(
  partitions: readonly FetchPartition[],
  partitionMaxBytes: number,
): RequestInput<typeof Fetch>['topics'] {
  type Topic = RequestInput<typeof Fetch>['topics'][number];
  type Entry = Topic['partitions'][number];
  const topics: { topic: string; topicId: string; partitions: Entry[] }[] = [];
  for (const partition of partitions) {
    const entry: Entry = {
      partition: partition.partition,
      currentLeaderEpoch: partition.leaderEpoch,
      fetchOffset: partition.position,
      lastFetchedEpoch: partition.lastEpoch,
      partitionMaxBytes,
      originEpochsFrom: partition.originEpochs,
    };
    const last = topics.at(-1);
    if (last?.topic === partition.topic) last.partitions.push(entry);
    else topics.push({ topic: partition.topic, topicId: partition.topicId, partitions: [entry] });
  }
  return topics;
}

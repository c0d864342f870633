/**
 * `Client.fetcher`: brings every partition to the poll of its leader, and there again after its leader has changed,
 * moved or died. Invariant: a partition that was added is polled, paused, resting after an error that its subscriber
 * was told of, or waiting here for its leader with a bounded back-off.
 */
import type { Io } from '@meridian/io';
import { ERROR, errorName, ZERO_UUID } from '@meridian/protocol';
import { backoffMs } from '../backoff.ts';
import type { NodePool } from '../connection/node-pool.ts';
import type { ClientLimits } from '../limits.ts';
import type { MetadataCache } from '../metadata-cache.ts';
import type { ClusterView } from '../types.ts';
import { FetchPartition } from './fetch-partition.ts';
import type { SizeBudget } from './fetch-size.ts';
import type { Fetcher, FetcherOptions, FetchHandle, FetchSubscription, FetchTraffic } from './fetch-types.ts';
import { NodePoll, type PollContext } from './node-poll.ts';
import { WireCodec } from './wire-codec.ts';

export interface FetcherContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly limits: ClientLimits;
  readonly pool: NodePool;
  readonly metadata: MetadataCache;
  readonly sizeBudget: SizeBudget;
}

export class PollingFetcher implements Fetcher {
  private readonly context: FetcherContext;
  private readonly id: number;
  private readonly pollContext: PollContext;
  private readonly polls = new Map<number, NodePoll>();
  private readonly home = new Map<FetchPartition, NodePoll>();
  /** Without a leader for now. */
  private readonly homeless = new Set<FetchPartition>();
  private readonly closing = new AbortController();
  private napping = new AbortController();
  private isResolving = false;
  private isPaused = false;

  constructor(context: FetcherContext, id: number, options: FetcherOptions) {
    const { limits } = context;
    this.context = context;
    this.id = id;
    this.pollContext = {
      io: context.io,
      limits,
      pool: context.pool,
      metadata: context.metadata,
      options: {
        maxWaitMs: options.maxWaitMs ?? limits.fetchMaxWaitMs,
        minBytes: options.minBytes ?? limits.fetchMinBytes,
        maxBytes: options.maxBytes ?? limits.fetchMaxBytes,
        partitionMaxBytes: options.partitionMaxBytes ?? limits.fetchPartitionMaxBytes,
        isolation: options.isolation ?? 'read_uncommitted',
      },
      adaptive: options.adaptive,
      sizeBudget: context.sizeBudget,
      memory: options.memory,
      codec: codecOf(context, options),
      traffic: { wireBytes: 0, recordBytes: 0 },
      isPaused: () => this.isPaused,
      onLost: (partitions, reason) => this.onLost(partitions, reason),
    };
  }

  get traffic(): FetchTraffic {
    const plainLeaders = [...this.polls.values()].flatMap((poll) => poll.plainLeader);
    return { ...this.pollContext.traffic, plainLeaders };
  }

  add(subscription: FetchSubscription): FetchHandle {
    const partition = new FetchPartition(
      subscription,
      (woken) => this.onWoken(woken),
      (removed) => this.forget(removed),
    );
    this.homeless.add(partition);
    this.resolveSoon();
    return partition;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    for (const poll of this.polls.values()) poll.wake();
  }

  close(): void {
    this.closing.abort();
    this.napping.abort();
    for (const poll of this.polls.values()) poll.close();
    for (const partition of [...this.homeless, ...this.home.keys()]) partition.isRemoved = true;
    this.homeless.clear();
    this.home.clear();
    this.context.pool.closePurpose(`fetch:${this.id}:main`);
    this.context.pool.closePurpose(`fetch:${this.id}:second`);
  }

  /** One that rested without a poll has to find its leader first. */
  private onWoken(partition: FetchPartition): void {
    const poll = this.home.get(partition);
    if (poll !== undefined) poll.wake();
    else if (!this.homeless.has(partition) && !partition.isRemoved && partition.wantsFetch) {
      this.homeless.add(partition);
      this.resolveSoon();
    }
  }

  private forget(partition: FetchPartition): void {
    this.homeless.delete(partition);
    this.home.get(partition)?.remove(partition);
    this.home.delete(partition);
  }

  private onLost(partitions: readonly FetchPartition[], reason: string): void {
    for (const partition of partitions) {
      this.home.delete(partition);
      if (partition.isRemoved) continue;
      if (reason !== '') partition.subscription.onRetry?.(reason);
      if (!partition.knowsLeader) {
        this.context.metadata.invalidate(partition.topic);
        this.backOff(partition);
      }
      partition.knowsLeader = false;
      this.homeless.add(partition);
    }
    this.resolveSoon();
  }

  private backOff(partition: FetchPartition): void {
    const { io, limits } = this.context;
    partition.failures++;
    partition.retryAt = io.clock.monotonic() + backoffMs(io.random, limits, partition.failures);
  }

  private resolveSoon(): void {
    this.napping.abort();
    if (!this.isResolving) void this.resolve();
  }

  private async resolve(): Promise<void> {
    const { io } = this.context;
    this.isResolving = true;
    await Promise.resolve(); // what is added in this turn is looked for together
    while (this.homeless.size > 0 && !this.closing.signal.aborted) {
      this.napping = new AbortController();
      const now = io.clock.monotonic();
      const due = [...this.homeless].filter((partition) => partition.retryAt <= now);
      if (due.length > 0) await this.settle(due);
      else
        await io.timers.sleep(Math.min(...[...this.homeless].map((each) => each.retryAt)) - now, this.napping.signal);
    }
    this.isResolving = false;
  }

  private async settle(due: readonly FetchPartition[]): Promise<void> {
    const names = [...new Set(due.map((partition) => partition.topic))];
    let view: ClusterView | undefined;
    let reason = '';
    try {
      view = await this.context.metadata.view(names, { signal: this.closing.signal });
    } catch (error) {
      reason = (error as Error).message;
    }
    for (const partition of due) {
      if (!this.homeless.has(partition)) continue;
      const trouble = view === undefined ? reason : this.place(partition, view);
      if (trouble === undefined) continue;
      this.context.metadata.invalidate(partition.topic);
      this.backOff(partition);
      partition.subscription.onRetry?.(trouble);
    }
  }

  /** Brings the partition to its leader's poll, or returns why it cannot. */
  private place(partition: FetchPartition, view: ClusterView): string | undefined {
    const topic = view.topics.get(partition.topic);
    if (topic === undefined || topic.errorCode !== ERROR.NONE) return errorName(topic?.errorCode ?? 3);
    if (partition.topicId === ZERO_UUID) partition.topicId = topic.id;
    if (partition.topicId !== topic.id) {
      this.homeless.delete(partition);
      const detail = `the topic has the id ${topic.id} now, not ${partition.topicId}`;
      partition.fail({ code: ERROR.UNKNOWN_TOPIC_ID, detail, logStartOffset: -1, highWatermark: -1 });
      return undefined;
    }
    const found = topic.partitions[partition.partition];
    if (found === undefined) return 'no such partition';
    if (found.leader < 0 || !view.brokers.has(found.leader)) return 'no leader';
    this.homeless.delete(partition);
    if (found.leaderEpoch !== partition.leaderEpoch) {
      partition.leaderEpoch = found.leaderEpoch;
      partition.subscription.onLeaderEpoch?.(found.leaderEpoch);
      if (partition.isRemoved) return undefined;
    }
    const poll = this.pollOf(found.leader);
    this.home.set(partition, poll);
    poll.add(partition);
    return undefined;
  }

  private pollOf(nodeId: number): NodePoll {
    let poll = this.polls.get(nodeId);
    if (poll === undefined) {
      poll = new NodePoll(this.pollContext, nodeId, this.id);
      this.polls.set(nodeId, poll);
    }
    return poll;
  }
}

function codecOf({ io, limits }: FetcherContext, { compression, memory }: FetcherOptions): WireCodec | undefined {
  if (compression === undefined) return undefined;
  return new WireCodec({ ...compression, timers: io.timers, memory, maxBytes: limits.maxFrameBytes });
}

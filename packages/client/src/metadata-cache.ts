/**
 * What the client knows of the cluster: brokers, topics, leaders. Asked for on demand and again after every error that
 * says it is outdated. Refreshes that are wanted while one is under way go together into the next.
 * Invariant: a view that was handed out is never changed.
 */
import type { Io } from '@meridian/io';
import { ERROR, errorName, Metadata, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import type { NodePool } from './connection/node-pool.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import type { ClientLimits } from './limits.ts';
import type { CallOptions, ClusterView, MetadataOptions, NodeAddress, PartitionView, TopicView } from './types.ts';

interface CachedTopic {
  readonly view: TopicView;
  readonly fetchedAt: number;
}

interface Batch {
  readonly names: Set<string>;
  all: boolean;
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export class MetadataCache {
  private readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  private readonly limits: ClientLimits;
  private readonly pool: NodePool;
  private clusterId: string | null = null;
  private controllerId = -1;
  private brokers: ReadonlyMap<number, NodeAddress> = new Map();
  private readonly topics = new Map<string, CachedTopic>();
  private next: Batch | undefined;
  private busy = false;

  constructor(io: Pick<Io, 'clock' | 'timers' | 'random'>, limits: ClientLimits, pool: NodePool) {
    this.io = io;
    this.limits = limits;
    this.pool = pool;
  }

  /** What is cached of a topic, however old; undefined after `invalidate`. */
  peek(name: string): TopicView | undefined {
    return this.topics.get(name)?.view;
  }

  knows(nodeId: number): boolean {
    return this.brokers.has(nodeId);
  }

  /** The next use of this topic asks again. */
  invalidate(name: string): void {
    this.topics.delete(name);
  }

  async view(names: readonly string[] | 'all', options: MetadataOptions = {}): Promise<ClusterView> {
    const deadline = new Deadline(this.io, options, this.limits.callTimeoutMs, 'metadata');
    const oldest = this.io.clock.monotonic() - (options.maxAgeMs ?? this.limits.metadataMaxAgeMs);
    const stale = names === 'all' ? 'all' : names.filter((name) => !this.isFresh(name, oldest));
    if (stale === 'all' || stale.length > 0 || this.brokers.size === 0 || options.maxAgeMs === 0) {
      await this.refreshUntil(stale, options.autoCreate === true, deadline);
    }
    return this.snapshot(names);
  }

  /** The partition's leader, waiting for one if there is none at present. */
  async leaderOf(topic: string, partition: number, options: CallOptions = {}): Promise<number> {
    const deadline = new Deadline(this.io, options, this.limits.callTimeoutMs, `leader of ${topic}-${partition}`);
    for (let attempt = 1; ; attempt++) {
      const maxAgeMs = attempt === 1 ? this.limits.metadataMaxAgeMs : 0;
      const left = { timeoutMs: deadline.remainingMs(), ...(deadline.signal ? { signal: deadline.signal } : {}) };
      const view = (await this.view([topic], { ...left, maxAgeMs })).topics.get(topic);
      const found = view?.partitions[partition];
      if (found !== undefined && found.leader >= 0 && this.knows(found.leader)) return found.leader;
      const isUnknown = found === undefined && view?.errorCode !== ERROR.LEADER_NOT_AVAILABLE;
      const code = isUnknown ? 'unknown-topic' : 'no-leader';
      if (isUnknown && attempt >= this.limits.unknownTopicAttempts)
        throw new ClientError(code, `${topic}-${partition}`);
      if (!(await deadline.sleep(backoffMs(this.io.random, this.limits, attempt)))) {
        throw deadline.signal?.aborted ? deadline.error() : new ClientError(code, `${topic}-${partition}`);
      }
    }
  }

  private isFresh(name: string, oldest: number): boolean {
    const cached = this.topics.get(name);
    return cached !== undefined && cached.fetchedAt >= oldest && cached.view.errorCode === ERROR.NONE;
  }

  private snapshot(names: readonly string[] | 'all'): ClusterView {
    const wanted = names === 'all' ? [...this.topics.keys()] : names;
    const topics = new Map<string, TopicView>();
    for (const name of wanted) {
      const view = this.topics.get(name)?.view;
      if (view !== undefined) topics.set(name, view);
    }
    return { clusterId: this.clusterId, controllerId: this.controllerId, brokers: this.brokers, topics };
  }

  private async refreshUntil(names: readonly string[] | 'all', autoCreate: boolean, deadline: Deadline): Promise<void> {
    let last: unknown;
    for (let attempt = 1; ; attempt++) {
      try {
        await deadline.race(autoCreate ? this.ask(names, true) : this.refresh(names));
        return;
      } catch (error) {
        if (error instanceof ClientError && isFinal(error)) throw error;
        // When time is over, what went wrong before says more than that time is over.
        if (last === undefined || !deadline.isOver()) last = error;
        if (await deadline.sleep(backoffMs(this.io.random, this.limits, attempt))) continue;
        throw deadline.signal?.aborted ? deadline.error() : last;
      }
    }
  }

  private refresh(names: readonly string[] | 'all'): Promise<void> {
    const batch = (this.next ??= newBatch());
    if (names === 'all') batch.all = true;
    else for (const name of names) batch.names.add(name);
    if (!this.busy) void this.drain();
    return batch.done;
  }

  private async drain(): Promise<void> {
    this.busy = true;
    await Promise.resolve(); // takes in what else is wanted in this turn
    while (this.next !== undefined) {
      const batch = this.next;
      this.next = undefined;
      await this.ask(batch.all ? 'all' : [...batch.names], false).then(batch.resolve, batch.reject);
    }
    this.busy = false;
  }

  private async ask(names: readonly string[] | 'all', allowAutoTopicCreation: boolean): Promise<void> {
    const deadline = new Deadline(this.io, {}, this.limits.requestTimeoutMs, 'metadata');
    const connection = await this.pool.connectAny(deadline);
    const topics = names === 'all' ? null : names.map((name) => ({ name }));
    const body = { topics, allowAutoTopicCreation };
    const answer = await connection.request(Metadata, connection.versionFor(Metadata), body, {
      timeoutMs: deadline.remainingMs(),
    });
    this.take(answer, names === 'all');
  }

  private take(answer: ResponseOf<typeof Metadata>, isAll: boolean): void {
    if (answer.errorCode !== ERROR.NONE) throw new ClientError('refused', `metadata, ${errorName(answer.errorCode)}`);
    const fetchedAt = this.io.clock.monotonic();
    this.clusterId = answer.clusterId;
    this.controllerId = answer.controllerId;
    this.brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.pool.update(this.brokers);
    if (isAll) this.topics.clear();
    for (const topic of answer.topics) {
      if (topic.name !== null) this.topics.set(topic.name, { view: viewOf(topic, topic.name), fetchedAt });
    }
  }
}

function newBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { names: new Set(), all: false, done: promise, resolve, reject };
}

/** Not worth another try: asking again gives the same. */
function isFinal(error: ClientError): boolean {
  return error.code === 'authentication' || error.code === 'unsupported-version' || error.code === 'closed';
}

function viewOf(topic: ResponseOf<typeof Metadata>['topics'][number], name: string): TopicView {
  const partitions: PartitionView[] = [];
  for (const partition of topic.partitions) {
    partitions[partition.partitionIndex] = {
      index: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      errorCode: partition.errorCode,
      replicas: partition.replicaNodes,
    };
  }
  const id = topic.topicId ?? ZERO_UUID;
  return { name, id, isInternal: topic.isInternal, errorCode: topic.errorCode, partitions };
}

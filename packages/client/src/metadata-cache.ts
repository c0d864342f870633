/**
 * What the client knows of the cluster: brokers, topics, leaders. Asked for on demand and again after every error that
 * says it is outdated. Refreshes that are wanted while one is under way go together into the next.
 * A leader may also be told in a refusal (KIP-951).
 * Invariant: a view that was handed out is never changed, and of one topic no leader epoch goes back: brokers learn of a
 * change one after another.
 */
import type { Io } from '@meridian/io';
import { ERROR, errorName, Metadata, type ResponseOf, ZERO_UUID } from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import type { NodePool } from './connection/node-pool.ts';
import { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import type { ClientLimits } from './limits.ts';
import type {
  CallOptions,
  ClusterView,
  MetadataOptions,
  NodeAddress,
  PartitionView,
  TopicPartition,
  TopicView,
} from './types.ts';

interface CachedTopic {
  readonly view: TopicView;
  readonly fetchedAt: number;
  /** Something has spoken against it. */
  readonly isOutdated: boolean;
}

/** What a refusal says of the leader that there is now. */
export interface LeaderHint {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

type NodeEndpoint = NodeAddress & { readonly nodeId: number };

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
  /** In a row: of topics that something spoke against. */
  private answersWithoutNews = 0;

  constructor(io: Pick<Io, 'clock' | 'timers' | 'random'>, limits: ClientLimits, pool: NodePool) {
    this.io = io;
    this.limits = limits;
    this.pool = pool;
  }

  /** What is cached of a topic, however old; undefined after `invalidate`. */
  peek(name: string): TopicView | undefined {
    const cached = this.topics.get(name);
    return cached?.isOutdated === false ? cached.view : undefined;
  }

  knows(nodeId: number): boolean {
    return this.brokers.has(nodeId);
  }

  /** The next use of this topic asks again. */
  invalidate(name: string): void {
    const cached = this.topics.get(name);
    if (cached !== undefined) this.topics.set(name, { ...cached, isOutdated: true });
  }

  /** Takes over a leader that a refusal tells; returns whether it, another than `refuser`, is the one to ask now. */
  learn(
    { topic: name, partition: index }: TopicPartition,
    refuser: number,
    hint: LeaderHint,
    endpoints: readonly NodeEndpoint[],
  ): boolean {
    const cached = this.topics.get(name);
    const known = cached?.view.partitions[index];
    if (cached === undefined || known === undefined || hint.leaderId < 0 || hint.leaderId === refuser) return false;
    if (hint.leaderEpoch < known.leaderEpoch) return false;
    if (hint.leaderEpoch === known.leaderEpoch) return !cached.isOutdated && known.leader === hint.leaderId;
    const told = endpoints.find(({ nodeId }) => nodeId === hint.leaderId);
    if (told === undefined && !this.knows(hint.leaderId)) return false;
    if (told !== undefined && told.host !== '') {
      this.brokers = new Map([...this.brokers, [told.nodeId, { host: told.host, port: told.port }]]);
      this.pool.update(this.brokers);
    }
    const { leaderId: leader, leaderEpoch } = hint;
    const partitions = cached.view.partitions.with(index, { ...known, leader, leaderEpoch, errorCode: ERROR.NONE });
    this.topics.set(name, { ...cached, view: { ...cached.view, partitions } });
    return true;
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
    if (cached === undefined || cached.isOutdated) return false;
    return cached.fetchedAt >= oldest && cached.view.errorCode === ERROR.NONE;
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
    const call = { timeoutMs: deadline.remainingMs() };
    try {
      const answer = await connection.request(Metadata, connection.versionFor(Metadata), body, call);
      this.take(answer, names === 'all');
    } catch (error) {
      if (error instanceof ClientError && error.code === 'timeout') this.pool.turnAway();
      throw error;
    }
  }

  private take(answer: ResponseOf<typeof Metadata>, isAll: boolean): void {
    if (answer.errorCode !== ERROR.NONE) throw new ClientError('refused', `metadata, ${errorName(answer.errorCode)}`);
    // A broker that knows of none, not even itself, has not come to know the cluster yet.
    if (answer.brokers.length === 0) throw new ClientError('unreachable', 'metadata names no broker');
    const fetchedAt = this.io.clock.monotonic();
    this.clusterId = answer.clusterId;
    this.controllerId = answer.controllerId;
    this.brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.pool.update(this.brokers);
    const before = new Map(this.topics);
    if (isAll) this.topics.clear();
    let isNews = answer.topics.length === 0;
    for (const topic of answer.topics) {
      if (topic.name === null) continue;
      const known = before.get(topic.name);
      const view = viewOf(topic, topic.name, known?.view);
      isNews ||= known?.isOutdated !== true || tellsMore(view, known.view);
      this.topics.set(topic.name, { view, fetchedAt, isOutdated: false });
    }
    this.noteNews(isNews);
  }

  /** A broker that is cut off from the others says the same for ever: after a while another one is asked. */
  private noteNews(isNews: boolean): void {
    this.answersWithoutNews = isNews ? 0 : this.answersWithoutNews + 1;
    if (this.answersWithoutNews < this.limits.metadataAnswersWithoutNews) return;
    this.answersWithoutNews = 0;
    this.pool.turnAway();
  }
}

function newBatch(): Batch {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { names: new Set(), all: false, done: promise, resolve, reject };
}

/** Not worth another try: asking again gives the same. */
function isFinal(error: ClientError): boolean {
  return (
    error.code === 'authentication' ||
    error.code === 'tls' ||
    error.code === 'unsupported-version' ||
    error.code === 'closed'
  );
}

/** `known`: what was known before; of the same topic, a newer leader epoch stays. */
function viewOf(
  topic: ResponseOf<typeof Metadata>['topics'][number],
  name: string,
  known: TopicView | undefined,
): TopicView {
  const id = topic.topicId ?? ZERO_UUID;
  const partitions: PartitionView[] = [];
  for (const partition of topic.partitions) {
    const before = known?.id === id ? known.partitions[partition.partitionIndex] : undefined;
    const told = {
      index: partition.partitionIndex,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      errorCode: partition.errorCode,
      replicas: partition.replicaNodes,
    };
    partitions[partition.partitionIndex] = before && before.leaderEpoch > told.leaderEpoch ? before : told;
  }
  return { name, id, isInternal: topic.isInternal, errorCode: topic.errorCode, partitions };
}

function tellsMore(view: TopicView, known: TopicView): boolean {
  if (view.id !== known.id || view.errorCode !== known.errorCode) return true;
  return view.partitions.some(({ index, leader, leaderEpoch }) => {
    const before = known.partitions[index];
    return before?.leader !== leader || before.leaderEpoch !== leaderEpoch;
  });
}

/**
 * A tenant's topic as the gateway serves it: the region's own topic and its copies from all other regions, as one.
 * Subscriptions of all sessions of the tenant share it and its feeds. It appears with the first of them, and what
 * is created, grown or re-created later is noticed by a poll.
 * Invariant: one feed per physical partition and topic id; a topic that bears another id has new feeds.
 */
import type { BrokerPort, TopicFacts } from '../broker/broker-port.ts';
import { type FeedDeps, PartitionFeed } from '../delivery/partition-feed.ts';

export interface Source {
  readonly facts: TopicFacts;
  readonly feeds: readonly PartitionFeed[];
}

/** Told what has changed, in this order: feeds that are gone, then feeds that are new. */
export type TopicListener = (gone: readonly PartitionFeed[], added: readonly PartitionFeed[]) => void;

export class GlobalTopic {
  readonly tenant: string;
  readonly topic: string;
  /** Physical names under which it may exist here. */
  readonly names: readonly string[];
  private readonly deps: FeedDeps;
  private readonly listeners = new Set<TopicListener>();
  private sources = new Map<string, Source>();
  private isKnown = false;

  constructor(deps: FeedDeps, tenant: string, topic: string, names: readonly string[]) {
    this.deps = deps;
    this.tenant = tenant;
    this.topic = topic;
    this.names = names;
  }

  get isUsed(): boolean {
    return this.listeners.size > 0;
  }

  /** Looks the topic up if nobody has yet. */
  async ready(): Promise<void> {
    if (!this.isKnown) this.update(await this.deps.broker.describe(this.names));
  }

  listen(listener: TopicListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  feeds(): PartitionFeed[] {
    return [...this.sources.values()].flatMap((source) => source.feeds);
  }

  /** Takes in what a look-up found; topics that it does not name do not exist. */
  update(found: ReadonlyMap<string, TopicFacts>): void {
    const gone: PartitionFeed[] = [];
    const added: PartitionFeed[] = [];
    for (const [index, name] of this.names.entries()) {
      const facts = found.get(name);
      const known = this.sources.get(name);
      if (facts === undefined || (index > 0 && !facts.isCopy)) {
        // Another region's name in front does not make a copy; and a topic that is away for a moment keeps its feeds.
        continue;
      }
      if (known !== undefined && isSame(known.facts, facts) && known.feeds.length >= facts.partitions) continue;
      const kept = known !== undefined && isSame(known.facts, facts) ? known.feeds : [];
      if (kept.length === 0) gone.push(...(known?.feeds ?? []));
      const feeds = [...kept];
      for (let partition = kept.length; partition < facts.partitions; partition++)
        feeds.push(this.feed(facts, partition));
      added.push(...feeds.slice(kept.length));
      this.sources.set(name, { facts, feeds });
    }
    const isFirst = !this.isKnown;
    this.isKnown = true;
    if (isFirst || (gone.length === 0 && added.length === 0)) return;
    for (const listener of [...this.listeners]) listener(gone, added);
  }

  private feed(facts: TopicFacts, partition: number): PartitionFeed {
    const { originRegion: region, originTopicId: topicId } = facts;
    return new PartitionFeed(this.deps, facts, { topic: this.topic, region, topicId, partition });
  }
}

/** All global topics that somebody is subscribed to, and their poll. */
export class GlobalTopics {
  private readonly deps: FeedDeps;
  private readonly namesOf: (tenant: string, topic: string) => readonly string[];
  private readonly topics = new Map<string, GlobalTopic>();
  private isPolling = false;

  constructor(deps: FeedDeps, namesOf: (tenant: string, topic: string) => readonly string[]) {
    this.deps = deps;
    this.namesOf = namesOf;
  }

  /** The topic, in use from the caller's `listen` on. */
  get(tenant: string, topic: string): GlobalTopic {
    const key = `${tenant}/${topic}`;
    const known = this.topics.get(key);
    if (known !== undefined) return known;
    const created = new GlobalTopic(this.deps, tenant, topic, this.namesOf(tenant, topic));
    this.topics.set(key, created);
    return created;
  }

  /** One look-up for all topics; called every `topicPollMs`, skipped while the last one is under way. */
  async poll(): Promise<void> {
    for (const [key, topic] of this.topics) if (!topic.isUsed) this.topics.delete(key);
    if (this.isPolling || this.topics.size === 0) return;
    this.isPolling = true;
    try {
      const topics = [...this.topics.values()];
      const found = await this.broker.describe(topics.flatMap((topic) => topic.names));
      for (const topic of topics) topic.update(found);
    } finally {
      this.isPolling = false;
    }
  }

  private get broker(): BrokerPort {
    return this.deps.broker;
  }
}

const isSame = (a: TopicFacts, b: TopicFacts): boolean =>
  a.localId === b.localId && a.originTopicId === b.originTopicId && a.originRegion === b.originRegion;

/**
 * What is known of the topics that are published to: looked up (and created, if the broker does that) at first use,
 * then kept up to date by a poll, so that a publish normally waits for nothing.
 * Invariant: a topic is forgotten when the broker no longer knows it; the next publish looks again.
 */
import type { BrokerPort, TopicFacts } from '../broker/broker-port.ts';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { TopicQuota } from './topic-quota.ts';

interface Entry {
  facts: TopicFacts | undefined;
  pending: Promise<TopicFacts | undefined> | undefined;
  usedAtMs: number;
}

export class TopicDirectory {
  private readonly broker: BrokerPort;
  private readonly entries = new Map<string, Entry>();
  private readonly creating = new Map<string, Promise<TopicFacts | undefined>>();
  private readonly quota: TopicQuota;
  private isPolling = false;

  constructor(broker: BrokerPort) {
    this.broker = broker;
    this.quota = new TopicQuota(broker);
  }

  /** What is known now, without asking. */
  peek(name: string, nowMs: number): TopicFacts | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined) return undefined;
    entry.usedAtMs = nowMs;
    return entry.facts;
  }

  /** Rejects with `unknown-topic` if it does not exist and, with `create`, is not created either. */
  async find(name: string, create: boolean, nowMs: number): Promise<TopicFacts> {
    const entry = this.entry(name, nowMs);
    if (entry.facts !== undefined) return entry.facts;
    entry.pending ??= this.ask(name).finally(() => {
      entry.pending = undefined;
    });
    entry.facts = await entry.pending;
    if (entry.facts === undefined && create) entry.facts = await this.create(name, nowMs);
    if (entry.facts !== undefined) return entry.facts;
    this.entries.delete(name);
    if (create) throw new GatewayError('unknown-topic', 'the topic does not exist and is not created by itself');
    throw new GatewayError('unknown-topic', 'the topic does not exist');
  }

  /** The broker said that it is not as we know it. */
  forget(name: string): void {
    this.entries.delete(name);
  }

  async poll(nowMs: number): Promise<void> {
    for (const [name, entry] of this.entries) {
      if (nowMs - entry.usedAtMs > LIMITS.topicIdleMs && entry.pending === undefined) this.entries.delete(name);
    }
    const known = [...this.entries].filter(([, entry]) => entry.facts !== undefined).map(([name]) => name);
    if (this.isPolling || known.length === 0) return;
    this.isPolling = true;
    try {
      const found = await this.broker.describe(known);
      for (const name of known) {
        const entry = this.entries.get(name);
        if (entry !== undefined && !found.has(name)) this.entries.delete(name);
        else if (entry !== undefined) entry.facts = found.get(name);
      }
    } finally {
      this.isPolling = false;
    }
  }

  /** One at a time per name: who comes meanwhile finds it. */
  private async create(name: string, nowMs: number): Promise<TopicFacts | undefined> {
    const known = this.creating.get(name);
    if (known !== undefined) return known;
    const creating = this.quota.spend(name, nowMs, () => this.broker.create(name));
    this.creating.set(name, creating);
    try {
      return await creating;
    } finally {
      this.creating.delete(name);
    }
  }

  private async ask(name: string): Promise<TopicFacts | undefined> {
    return (await this.broker.describe([name])).get(name);
  }

  private entry(name: string, nowMs: number): Entry {
    let entry = this.entries.get(name);
    if (entry === undefined) {
      if (this.entries.size >= LIMITS.maxKnownTopics) {
        throw new GatewayError('limit-exceeded', 'too many topics are in use at this gateway');
      }
      entry = { facts: undefined, pending: undefined, usedAtMs: nowMs };
      this.entries.set(name, entry);
    }
    entry.usedAtMs = nowMs;
    return entry;
  }
}

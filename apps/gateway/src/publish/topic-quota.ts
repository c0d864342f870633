/**
 * How many topics each tenant has here, asked before the gateway creates one more for it by use.
 * Invariant: what is being created is counted already, so that many at once do not pass the bound together.
 */
import type { BrokerPort } from '../broker/broker-port.ts';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

interface Count {
  topics: number;
  readonly countedAtMs: number;
}

export class TopicQuota {
  private readonly broker: BrokerPort;
  private readonly counts = new Map<string, Count>();

  constructor(broker: BrokerPort) {
    this.broker = broker;
  }

  /** Runs `create` if the tenant may have one more topic, else rejects with `limit-exceeded`. */
  async spend<T>(name: string, nowMs: number, create: () => Promise<T | undefined>): Promise<T | undefined> {
    const prefix = name.slice(0, name.indexOf('.') + 1); // a tenant has no dot
    let count = this.counts.get(prefix);
    if (count === undefined || nowMs - count.countedAtMs >= LIMITS.topicCountMaxAgeMs) {
      count = await this.count(prefix, nowMs);
    }
    if (count.topics >= LIMITS.maxTopicsPerTenant) {
      const message = `the tenant has ${count.topics} topics here; beyond ${LIMITS.maxTopicsPerTenant} none is created by use`;
      throw new GatewayError('limit-exceeded', message, { retryable: false });
    }
    count.topics++;
    let created: T | undefined;
    try {
      created = await create();
    } finally {
      if (created === undefined) count.topics--;
    }
    return created;
  }

  private async count(prefix: string, nowMs: number): Promise<Count> {
    const topics = await this.broker.countTopics(prefix);
    const known = this.counts.get(prefix);
    if (known !== undefined && known.countedAtMs >= nowMs) return known; // another one has counted meanwhile
    if (this.counts.size >= LIMITS.maxKnownTopics) this.counts.clear();
    const count = { topics, countedAtMs: nowMs };
    this.counts.set(prefix, count);
    return count;
  }
}

/**
 * The topics of one side with the configs that are set on them. Origin configs never change, and the followed ones are
 * read when a copy is created, so each topic id is described once.
 * Invariant: facts of a topic id that is gone are dropped.
 */
import type { Client, TopicView } from '@meridian/client';
import { ERROR } from '@meridian/protocol';
import type { MirrorLimits } from '../limits.ts';
import type { TopicFacts } from './reconcile.ts';

export class TopicCatalog {
  private readonly client: Client;
  private readonly limits: MirrorLimits;
  /** By topic id. */
  private configs = new Map<string, ReadonlyMap<string, string>>();

  constructor(client: Client, limits: MirrorLimits) {
    this.client = client;
    this.limits = limits;
  }

  async read(signal: AbortSignal): Promise<TopicFacts[]> {
    const call = { timeoutMs: this.limits.requestTimeoutMs, signal };
    const view = await this.client.metadata('all', { ...call, maxAgeMs: 0 });
    const topics = [...view.topics.values()].filter((topic) => topic.errorCode === ERROR.NONE);
    const unknown = topics.filter((topic) => !this.configs.has(topic.id));
    for (let at = 0; at < unknown.length; at += this.limits.describeTopics) {
      await this.describe(unknown.slice(at, at + this.limits.describeTopics), call);
    }
    const ids = new Set(topics.map((topic) => topic.id));
    for (const id of this.configs.keys()) if (!ids.has(id)) this.configs.delete(id);
    return topics.map(({ id, name, partitions }) => {
      return { id, name, partitions: partitions.length, configs: this.configs.get(id) };
    });
  }

  private async describe(
    topics: readonly TopicView[],
    call: { timeoutMs: number; signal: AbortSignal },
  ): Promise<void> {
    const described = await this.client.describeTopicConfigs(
      topics.map((topic) => topic.name),
      call,
    );
    for (const { id, name } of topics) {
      const found = described.get(name);
      if (found === undefined || found.errorCode !== ERROR.NONE) continue;
      const set = [...found.values].flatMap(([key, { value, isSet }]) =>
        isSet && value ? [[key, value] as const] : [],
      );
      this.configs.set(id, new Map(set));
    }
  }
}

/**
 * What a topic is (copy or not, of which region and topic id): on Meridian's brokers its configs say so, on Apache
 * Kafka the mirror's records in `__meridian_topics`. Asked by `client-broker.ts` at every look-up.
 * Invariant: never read from a topic's name.
 */
import type { Client, TopicView } from '@meridian/client';
import { ERROR } from '@meridian/protocol';
import type { TopicFacts } from './broker-port.ts';

const ORIGIN_REGION = 'meridian.origin.region';
const ORIGIN_TOPIC_ID = 'meridian.origin.topic.id';

export interface OriginFacts {
  /** By name; those that do not exist are left out. */
  of(views: readonly TopicView[]): Promise<Map<string, TopicFacts>>;
}

export function factsByConfigs(client: Client, region: string): OriginFacts {
  return { of: (views) => factsOf(client, region, views) };
}

async function factsOf(client: Client, region: string, views: readonly TopicView[]): Promise<Map<string, TopicFacts>> {
  const facts = new Map<string, TopicFacts>();
  const found = views.filter((view) => view.errorCode === ERROR.NONE && view.partitions.length > 0);
  if (found.length === 0) return facts;
  const configs = await client.describeTopicConfigs(found.map((view) => view.name));
  for (const { name, id, partitions } of found) {
    const values = configs.get(name);
    if (values === undefined || values.errorCode !== ERROR.NONE) continue; // deleted in between
    const originRegion = values.values.get(ORIGIN_REGION)?.value || region;
    const originTopicId = values.values.get(ORIGIN_TOPIC_ID)?.value || id;
    const isCopy = originRegion !== region;
    facts.set(name, { name, localId: id, partitions: partitions.length, originRegion, originTopicId, isCopy });
  }
  return facts;
}

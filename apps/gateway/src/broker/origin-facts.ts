/**
 * What a topic is (copy or not, of which region and topic id): on Meridian's brokers its configs say so, on Apache
 * Kafka the mirror's records in `__meridian_topics`. Asked by `client-broker.ts` at every look-up.
 * Invariant: never read from a topic's name.
 */
import type { Client, TopicView } from '@meridian/client';
import { type CopyFacts, FactsStore, factsOfConfigs } from '@meridian/coordinates';
import type { Io } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { TopicFacts } from './broker-port.ts';

export interface OriginFacts {
  /** By name; those that do not exist are left out. */
  of(views: readonly TopicView[]): Promise<Map<string, TopicFacts>>;
  close(): void;
}

export function factsByConfigs(client: Client, region: string): OriginFacts {
  return {
    async of(views) {
      const found = existing(views);
      if (found.length === 0) return new Map();
      const configs = await client.describeTopicConfigs(found.map((view) => view.name));
      return factsFrom(found, (view) => {
        const described = configs.get(view.name);
        if (described === undefined || described.errorCode !== ERROR.NONE) return undefined; // deleted in between
        const values = new Map([...described.values].map(([name, { value }]) => [name, value ?? '']));
        return topicFacts(region, view, factsOfConfigs(view.name, view.id, values), false);
      });
    },
    close() {},
  };
}

export function factsByStore(io: Pick<Io, 'clock' | 'timers'>, client: Client, region: string): OriginFacts {
  const store = new FactsStore({ io, client, mayCreate: false });
  return {
    async of(views) {
      const found = existing(views);
      if (found.length === 0) return new Map();
      await store.ready();
      return factsFrom(found, (view) => topicFacts(region, view, store.get(view.id), true));
    },
    close: () => store.close(),
  };
}

const existing = (views: readonly TopicView[]): TopicView[] =>
  views.filter((view) => view.errorCode === ERROR.NONE && view.partitions.length > 0);

function factsFrom(
  views: readonly TopicView[],
  factsOf: (view: TopicView) => TopicFacts | undefined,
): Map<string, TopicFacts> {
  const facts = views.map(factsOf).filter((found) => found !== undefined);
  return new Map(facts.map((found) => [found.name, found]));
}

function topicFacts(
  region: string,
  { name, id, partitions }: TopicView,
  copy: CopyFacts | undefined,
  isRebased: boolean,
): TopicFacts {
  const own = { name, localId: id, partitions: partitions.length };
  const native = { ...own, originRegion: region, originTopicId: id, isCopy: false, isRebased: false };
  if (copy === undefined || copy.originRegion === region) return native;
  const { originRegion, originTopicId, promotedAt } = copy;
  if (promotedAt === undefined) return { ...own, originRegion, originTopicId, isCopy: true, isRebased };
  return { ...native, promoted: { region: originRegion, topicId: originTopicId, cuts: promotedAt } };
}

/**
 * The brokers of the region, through the Kafka client: Meridian's own on the internal listener, where alone the origin's
 * epochs of copies are told, or an Apache Kafka cluster. The gateway's shell makes one.
 * Invariant: what a topic is (copy or not, of which region and topic id) is read from its facts, never from its name.
 */
import { type Client, createClient, type NodeAddress, type Security } from '@meridian/client';
import { RunsStore } from '@meridian/coordinates';
import type { Io, Logger } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import { batchRecordCount } from '@meridian/protocol/record-batch';
import { LIMITS } from '../limits.ts';
import type { BrokerPort, Produced, Tail, TopicFacts } from './broker-port.ts';
import { CopyGaps } from './copy-gaps.ts';
import { readEnds, readOnce } from './log-queries.ts';
import { follow } from './log-tail.ts';
import { factsByConfigs, factsByStore } from './origin-facts.ts';
import { RebasedLog } from './rebased-log.ts';
import { RebasedTail } from './rebased-tail.ts';
import { StoredPlaces } from './stored-places.ts';

export interface ClientBrokerOptions {
  region: string;
  engine: 'embedded' | 'kafka';
  bootstrap: readonly NodeAddress[];
  /** Engine `embedded`. */
  secret?: string;
  /** Engine `kafka`. */
  security?: Security;
}

type World = Pick<Io, 'clock' | 'timers' | 'random' | 'net'>;
type Produce = BrokerPort['produce'];

const PRODUCE = { timeoutMs: LIMITS.requestTimeoutMs };

export function createClientBroker(io: World, options: ClientBrokerOptions, log: Logger): BrokerPort {
  const { region, engine, ...access } = options;
  const client = createClient({ io, clientId: `gateway-${region}`, log, ...access });
  const fetcher = client.fetcher({ isolation: 'read_committed' });
  const isKafka = engine === 'kafka';
  const facts = isKafka ? factsByStore(io, client, region) : factsByConfigs(client, region);
  const runs = isKafka ? new RunsStore({ io, client }) : undefined;
  const rebased = runs && new RebasedLog({ client, runs, log });
  const gaps = new CopyGaps(io, client);
  const following = { fetcher, timers: io.timers, log };
  const rebasedOf = (topic: TopicFacts): RebasedLog | undefined => (topic.isRebased ? rebased : undefined);
  return {
    async describe(names) {
      const view = await client.metadata(names, { maxAgeMs: 0 });
      const found = await facts.of([...view.topics.values()]);
      // Also before a client's place is looked up: what lies behind it may be lost.
      if ([...found.values()].some(({ isCopy }) => isCopy)) await gaps.ready().catch(() => undefined);
      return found;
    },
    async create(name) {
      // Apache Kafka answers before it has made the topic, and in the same way if it makes none.
      for (let triesLeft = isKafka ? LIMITS.createLooks : 1; ; await io.timers.sleep(LIMITS.createLookMs)) {
        const view = await client.metadata([name], { maxAgeMs: 0, autoCreate: true });
        const found = (await facts.of([...view.topics.values()])).get(name);
        triesLeft--;
        if (found !== undefined || triesLeft === 0) return found;
      }
    },
    async countTopics(prefix) {
      const view = await client.metadata('all', { maxAgeMs: LIMITS.topicCountMaxAgeMs });
      return [...view.topics.keys()].filter((name) => name.startsWith(prefix)).length;
    },
    ends: (topic, queries) => rebasedOf(topic)?.ends(topic, queries) ?? readEnds(client, topic, queries),
    lostIn: ({ originTopicId }, partition) => gaps.of(originTopicId, partition),
    lookForLost: () => gaps.ready(),
    read: (topic, partition, offset, maxBytes) =>
      rebasedOf(topic)?.read(topic, partition, offset, maxBytes) ??
      readOnce(client, topic, partition, offset, maxBytes),
    tail(topic, partition, offset, handlers): Tail {
      const log = rebasedOf(topic);
      if (log === undefined) return follow(following, topic, partition, offset, handlers);
      const tail = new RebasedTail(log, following, topic, partition, handlers);
      tail.seek(offset);
      return tail;
    },
    carryOver: (topic, partition, offset) =>
      rebased?.carryOver(topic, partition, offset) ?? Promise.resolve(sameOffset(topic, partition, offset)),
    produce: isKafka ? produceToKafka(client) : produceToOurs(client),
    initProducer: () => client.initProducerId(PRODUCE),
    async close() {
      fetcher.close();
      facts.close();
      gaps.close();
      runs?.close();
      await client.close();
    },
  };
}

/** Copies on our brokers have their origin's offsets. */
function sameOffset({ promoted }: TopicFacts, partition: number, offset: number): { offset: number; lost: number } {
  const cut = promoted?.cuts[partition] ?? 0;
  return { offset: Math.min(offset, cut), lost: Math.max(0, offset - cut) };
}

function produceToOurs(client: Client): Produce {
  return async (topic, partition, batch) => {
    const answer = await client.produce(topic.name, partition, [batch], PRODUCE);
    const { errorCode, errorMessage, baseOffset, storedEpoch, duplicate } = answer;
    return { errorCode, errorMessage, baseOffset, leaderEpoch: storedEpoch, isDuplicate: duplicate };
  };
}

function produceToKafka(client: Client): Produce {
  const places = new StoredPlaces(client);
  return async (topic, partition, batch): Promise<Produced> => {
    const count = batchRecordCount(batch);
    const endBefore = places.endOf(topic, partition);
    const { errorCode, errorMessage, baseOffset } = await client.produce(topic.name, partition, [batch], PRODUCE);
    if (errorCode !== ERROR.NONE) return { errorCode, errorMessage, baseOffset, leaderEpoch: -1, isDuplicate: false };
    places.stored(topic, partition, baseOffset + count);
    const leaderEpoch = await places.epochOf(topic, partition, baseOffset);
    return { errorCode, errorMessage, baseOffset, leaderEpoch, isDuplicate: baseOffset < endBefore };
  };
}

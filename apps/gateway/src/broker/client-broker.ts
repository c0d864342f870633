/**
 * The brokers of the region, through the Kafka client, on the internal listener: only there are the origin's epochs
 * of copies told. The gateway's shell makes one.
 * Invariant: what a topic is (copy or not, of which region and topic id) is read from its configs, never from its name.
 */

import { createClient } from '@meridian/client';
import type { Io, Logger } from '@meridian/io';
import { LIMITS } from '../limits.ts';
import type { BrokerPort } from './broker-port.ts';
import { readEnds, readOnce } from './log-queries.ts';
import { follow } from './log-tail.ts';
import { factsByConfigs } from './origin-facts.ts';

export interface ClientBrokerOptions {
  region: string;
  bootstrap: readonly { host: string; port: number }[];
  secret: string;
}

export function createClientBroker(
  io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>,
  options: ClientBrokerOptions,
  log: Logger,
): BrokerPort {
  const { bootstrap, secret, region } = options;
  const client = createClient({ io, bootstrap, clientId: `gateway-${region}`, secret, log });
  const fetcher = client.fetcher();
  const facts = factsByConfigs(client, region);
  return {
    async describe(names) {
      const view = await client.metadata(names, { maxAgeMs: 0 });
      return facts.of([...view.topics.values()]);
    },
    async create(name) {
      const view = await client.metadata([name], { maxAgeMs: 0, autoCreate: true });
      return (await facts.of([...view.topics.values()])).get(name);
    },
    async countTopics(prefix) {
      const view = await client.metadata('all', { maxAgeMs: LIMITS.topicCountMaxAgeMs });
      return [...view.topics.keys()].filter((name) => name.startsWith(prefix)).length;
    },
    ends: (topic, queries) => readEnds(client, topic, queries),
    read: (topic, partition, offset, maxBytes) => readOnce(client, topic, partition, offset, maxBytes),
    tail: (topic, partition, offset, handlers) =>
      follow({ fetcher, timers: io.timers, log }, topic, partition, offset, handlers),
    async produce(topic, partition, batch) {
      const timeoutMs = LIMITS.requestTimeoutMs;
      const answer = await client.produce(topic.name, partition, [batch], { timeoutMs });
      const { errorCode, errorMessage, baseOffset, storedEpoch, duplicate } = answer;
      return { errorCode, errorMessage, baseOffset, leaderEpoch: storedEpoch, isDuplicate: duplicate };
    },
    initProducer: () => client.initProducerId({ timeoutMs: LIMITS.requestTimeoutMs }),
    async close() {
      fetcher.close();
      await client.close();
    },
  };
}

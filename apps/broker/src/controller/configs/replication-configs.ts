/**
 * The broker configs of replication: how followers fetch, when they are out of sync, and what moves them no faster than
 * told. Apache Kafka's names, types, ranges and defaults. Part of the table in `broker-configs.ts`.
 */
import type { ConfigDefinition } from './definition.ts';

const NO_LIMIT_TEXT = '9223372036854775807';

/** The one selector that there is besides none, by Apache Kafka's name. */
export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

export const REPLICATION_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'follower.replication.throttled.rate',
    type: 'long',
    default: NO_LIMIT_TEXT,
    unlisted: true,
    min: 0,
    dynamic: true,
    documentation: 'Bytes in a second that throttled replicas on this broker fetch from their leaders together.',
  },
  {
    name: 'leader.replication.throttled.rate',
    type: 'long',
    default: NO_LIMIT_TEXT,
    unlisted: true,
    min: 0,
    dynamic: true,
    documentation: 'Bytes in a second that this broker sends to throttled replicas of partitions that it leads.',
  },
  {
    name: 'replica.fetch.backoff.ms',
    type: 'int',
    default: '1000',
    min: 0,
    documentation: 'How long a follower rests after an error before it fetches again.',
  },
  {
    name: 'replica.fetch.max.bytes',
    type: 'int',
    default: '1048576',
    min: 0,
    documentation: 'Bytes of one partition that a follower asks for at a time; a larger batch comes all the same.',
  },
  {
    name: 'replica.fetch.min.bytes',
    type: 'int',
    default: '1',
    documentation: 'No effect: a follower is sent whatever there is, at once.',
  },
  {
    name: 'replica.fetch.response.max.bytes',
    type: 'int',
    default: '10485760',
    min: 0,
    documentation: 'Bytes that a follower asks for at a time, all partitions together.',
  },
  {
    name: 'replica.fetch.wait.max.ms',
    type: 'int',
    default: '500',
    documentation: 'How long a fetch of a follower waits for records.',
  },
  {
    name: 'replica.lag.time.max.ms',
    type: 'long',
    default: '30000',
    documentation: 'A follower that has not had all records for so long leaves the in-sync set.',
  },
  {
    name: 'replica.selector.class',
    type: 'string',
    default: null,
    oneOf: [RACK_AWARE_SELECTOR],
    documentation: 'RackAwareReplicaSelector: consumers that name their rack are sent to a replica in it (KIP-392).',
  },
];

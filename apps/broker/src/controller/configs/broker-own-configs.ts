/**
 * The broker configs that no topic takes its default from, but for those of groups: Apache Kafka's names, types, ranges
 * and defaults. Part of the table in `broker-configs.ts`.
 */
import type { ConfigDefinition } from './definition.ts';

export const BROKER_OWN_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'advertised.listeners',
    type: 'list',
    default: null,
    documentation: 'The addresses that clients are told to connect to.',
  },
  {
    name: 'auto.create.topics.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether asking for a topic that does not exist creates it.',
  },
  {
    name: 'broker.id',
    type: 'int',
    default: '-1',
    documentation: 'Another name of node.id.',
  },
  { name: 'broker.rack', type: 'string', default: null, documentation: 'The rack that the broker stands in.' },
  {
    name: 'connections.max.idle.ms',
    type: 'long',
    default: '600000',
    documentation: 'A connection that neither sends nor takes anything for so long is closed.',
  },
  {
    name: 'default.replication.factor',
    type: 'int',
    default: '1',
    min: 1,
    documentation: 'Replicas of a topic that is created without saying how many.',
  },
  {
    name: 'delete.topic.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether topics may be deleted.',
  },
  {
    name: 'fetch.max.bytes',
    type: 'int',
    default: '57671680',
    min: 1024,
    documentation: 'Bytes of records in one answer to a Fetch, whatever was asked for.',
  },
  { name: 'listeners', type: 'list', default: null, documentation: 'The addresses that the broker listens on.' },
  {
    name: 'log.cleaner.backoff.ms',
    type: 'long',
    default: '15000',
    min: 0,
    dynamic: true,
    documentation: 'How long the cleaner rests when there is no log to clean.',
  },
  {
    name: 'log.cleaner.dedupe.buffer.size',
    type: 'long',
    default: '134217728',
    dynamic: true,
    documentation:
      'Memory that the keys of a log may take while it is compacted; a log with more keys takes several passes.',
  },
  {
    name: 'log.cleaner.enable',
    type: 'boolean',
    default: 'true',
    documentation: 'Whether compacted topics are compacted.',
  },
  {
    name: 'log.cleaner.io.buffer.load.factor',
    type: 'double',
    default: '0.9',
    dynamic: true,
    documentation: 'How full the table of the keys may get.',
  },
  {
    name: 'log.cleaner.io.max.bytes.per.second',
    type: 'double',
    default: '1.7976931348623157E308',
    dynamic: true,
    documentation:
      'Bytes that the cleaner reads and writes in a second. It rests at least as long as it works, whatever this says.',
  },
  {
    name: 'log.dirs',
    type: 'list',
    default: null,
    documentation: 'The data folder, and the other folders for partitions.',
  },
  {
    name: 'log.retention.check.interval.ms',
    type: 'long',
    default: '300000',
    min: 1,
    documentation: 'How often logs are looked over for segments whose time is up.',
  },
  {
    name: 'max.connections',
    type: 'int',
    default: '2147483647',
    min: 0,
    dynamic: true,
    documentation: 'Connections per listener.',
  },
  {
    name: 'max.incremental.fetch.session.cache.slots',
    type: 'int',
    default: '1000',
    min: 0,
    documentation: 'Fetch sessions that the broker keeps.',
  },
  {
    name: 'max.request.partition.size.limit',
    type: 'int',
    default: '2000',
    min: 1,
    documentation: 'Partitions in one answer to DescribeTopicPartitions.',
  },
  { name: 'node.id', type: 'int', default: null, min: 0, documentation: 'This broker’s id in its cluster.' },
  {
    name: 'num.partitions',
    type: 'int',
    default: '1',
    min: 1,
    documentation: 'Partitions of a topic that is created without saying how many.',
  },
  {
    name: 'process.roles',
    type: 'list',
    default: '',
    documentation: 'What this process is: broker, controller or both.',
  },
  {
    name: 'producer.id.expiration.check.interval.ms',
    type: 'int',
    default: '600000',
    min: 1,
    unlisted: true,
    documentation: 'How often partitions are looked over for producers that have been silent for too long.',
  },
  {
    name: 'producer.id.expiration.ms',
    type: 'int',
    default: '86400000',
    min: 1,
    dynamic: true,
    documentation:
      'A partition forgets an idempotent producer that has written nothing for so long, by its records’ time; one with an open transaction stays.',
  },
  {
    name: 'queued.max.request.bytes',
    type: 'long',
    default: '-1',
    documentation:
      'Memory for requests of all connections together; when it is used up, reading waits. -1: the broker’s own bound, 256 MiB.',
  },
  {
    name: 'socket.request.max.bytes',
    type: 'int',
    default: '104857600',
    min: 1,
    documentation: 'The largest request that is accepted.',
  },
  {
    name: 'telemetry.max.bytes',
    type: 'int',
    default: '1048576',
    min: 1,
    documentation: 'The largest metrics that a client may push at a time, packed and unpacked.',
  },
];

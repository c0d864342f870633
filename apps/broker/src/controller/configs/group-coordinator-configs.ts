/**
 * The broker configs of the group coordinator and of `__consumer_offsets`: Apache Kafka's names, types, ranges and
 * defaults. Part of the table in `broker-configs.ts`; followed by `groups/`.
 */
import type { ConfigDefinition } from './definition.ts';

const INT_MAX_TEXT = '2147483647';

export const GROUP_COORDINATOR_CONFIGS: readonly ConfigDefinition[] = [
  {
    name: 'group.initial.rebalance.delay.ms',
    type: 'int',
    default: '3000',
    documentation: 'How long the first rebalance of an empty group waits for more members.',
  },
  {
    name: 'group.max.session.timeout.ms',
    type: 'int',
    default: '1800000',
    documentation: 'The longest session timeout that a member may ask for.',
  },
  {
    name: 'group.max.size',
    type: 'int',
    default: INT_MAX_TEXT,
    min: 1,
    documentation: 'Members of one consumer group.',
  },
  {
    name: 'group.min.session.timeout.ms',
    type: 'int',
    default: '6000',
    documentation: 'The shortest session timeout that a member may ask for.',
  },
  {
    name: 'offset.metadata.max.bytes',
    type: 'int',
    default: '4096',
    documentation: 'The largest metadata that may go with a committed offset.',
  },
  {
    name: 'offsets.commit.timeout.ms',
    type: 'int',
    default: '5000',
    min: 1,
    documentation: 'A commit that is not written by then is answered as failed.',
  },
  {
    name: 'offsets.load.buffer.size',
    type: 'int',
    default: '5242880',
    min: 1,
    documentation: 'Bytes that are read at a time when groups are loaded; one batch is read whatever its size.',
  },
  {
    name: 'offsets.retention.check.interval.ms',
    type: 'long',
    default: '600000',
    min: 1,
    documentation: 'How often committed offsets are looked over for expired ones.',
  },
  {
    name: 'offsets.retention.minutes',
    type: 'int',
    default: '10080',
    min: 1,
    documentation: 'How long committed offsets outlive a group’s last member or, without one, the commit.',
  },
  {
    name: 'offsets.topic.compression.codec',
    type: 'int',
    default: '0',
    min: 0,
    max: 4,
    documentation: 'Codec of what is written to __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.',
  },
  {
    name: 'offsets.topic.num.partitions',
    type: 'int',
    default: '50',
    min: 1,
    documentation: 'Partitions of __consumer_offsets; not to be changed once it exists.',
  },
  {
    name: 'offsets.topic.replication.factor',
    type: 'short',
    default: '3',
    min: 1,
    documentation: 'Replicas of __consumer_offsets, or as many as there are brokers when it is created.',
  },
  {
    name: 'offsets.topic.segment.bytes',
    type: 'int',
    default: '104857600',
    min: 1,
    documentation: 'Segment size of __consumer_offsets.',
  },
];

/**
 * The broker's configs for groups, parsed once at the start: none of them can be changed while it runs.
 * Invariant: values come through `effective.ts`, so what DescribeConfigs shows is what is done here.
 */
import { CODECS, type Codec } from '@meridian/protocol/record-batch';
import { BROKER_CONFIGS } from '../controller/configs/broker-configs.ts';
import { type BrokerConfigSources, brokerConfigValues, CONFIG_SOURCE } from '../controller/configs/effective.ts';

export interface GroupSettings {
  /** Members of one group. */
  readonly maxSize: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly initialRebalanceDelayMs: number;
  /** A new member that waits to be let in keeps its place this long without a word. */
  readonly newMemberJoinTimeoutMs: number;
  readonly offsetsRetentionMs: number;
  readonly retentionCheckIntervalMs: number;
  /** Characters of the metadata of one committed offset. */
  readonly maxMetadataChars: number;
  /** A write to `__consumer_offsets` that takes longer is answered as failed. */
  readonly commitTimeoutMs: number;
  readonly offsetsTopicPartitions: number;
  /** Where nobody has set it, a cluster of fewer brokers gets as many replicas as it has brokers. */
  readonly offsetsTopicReplicationFactor: number;
  readonly isReplicationFactorSet: boolean;
  readonly offsetsTopicSegmentBytes: number;
  /** Of the batches that are written to `__consumer_offsets`. */
  readonly offsetsTopicCodec: Codec;
  /** Bytes that are read at a time when groups are loaded. */
  readonly loadBufferBytes: number;
}

const MINUTE_MS = 60_000;
/** Not a config in Apache Kafka either. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * MINUTE_MS;

export function groupSettings(sources: BrokerConfigSources): GroupSettings {
  const given = (name: string) => brokerConfigValues(sources, BROKER_CONFIGS.get(name)!)[0]!;
  const number = (name: string): number => Number(given(name).value);
  return {
    maxSize: number('group.max.size'),
    minSessionTimeoutMs: number('group.min.session.timeout.ms'),
    maxSessionTimeoutMs: number('group.max.session.timeout.ms'),
    initialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
    newMemberJoinTimeoutMs: NEW_MEMBER_JOIN_TIMEOUT_MS,
    offsetsRetentionMs: number('offsets.retention.minutes') * MINUTE_MS,
    retentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
    maxMetadataChars: number('offset.metadata.max.bytes'),
    commitTimeoutMs: number('offsets.commit.timeout.ms'),
    offsetsTopicPartitions: number('offsets.topic.num.partitions'),
    offsetsTopicReplicationFactor: number('offsets.topic.replication.factor'),
    isReplicationFactorSet: given('offsets.topic.replication.factor').source !== CONFIG_SOURCE.default,
    offsetsTopicSegmentBytes: number('offsets.topic.segment.bytes'),
    offsetsTopicCodec: CODECS[number('offsets.topic.compression.codec')] ?? 'none',
    loadBufferBytes: number('offsets.load.buffer.size'),
  };
}

/**
 * A topic's configs as the partitions use them: parsed once when the image changes, not per request.
 * Invariant: values come through `effective.ts`, so what DescribeConfigs shows is what is done here.
 */
import type { LogConfig } from '@meridian/log';
import { compress } from '@meridian/protocol';
import type { Codec } from '@meridian/protocol/record-batch';
import { splitList } from '../controller/configs/definition.ts';
import {
  type BrokerConfigSources,
  brokerConfigNumber,
  topicConfigNumber,
  topicConfigValue,
} from '../controller/configs/effective.ts';
import { TOPIC_CONFIG } from '../controller/configs/topic-configs.ts';
import { MAX_ZSTD_LEVEL } from '../limits.ts';

/** Kafka's `min.cleanable.dirty.ratio` and the ages of the log's compaction. */
export interface CompactionSettings {
  readonly minDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly deleteRetentionMs: number;
}

/** The codec that batches are stored in, and how they come into it. */
export interface CompressionSettings {
  readonly codec: Codec;
  readonly compress: (codec: Codec, bytes: Uint8Array) => Uint8Array;
}

export interface TopicSettings {
  readonly maxMessageBytes: number;
  readonly segmentBytes: number;
  readonly minInsyncReplicas: number;
  /** A follower that has lagged for so long is not in sync; Kafka's `replica.lag.time.max.ms`. */
  readonly lagMaxMs: number;
  /** Every record needs a key. */
  readonly compacted: boolean;
  /** Records leave by compaction alone, so nobody may delete them by offset. */
  readonly compactedOnly: boolean;
  /** Old segments leave by age and size. */
  readonly retention: { readonly retentionMs: number; readonly retentionBytes: number } | undefined;
  /** Superseded records leave, by the cleaner. */
  readonly compaction: CompactionSettings | undefined;
  /** Undefined: as the producer sent them. */
  readonly compression: CompressionSettings | undefined;
  readonly logAppendTime: boolean;
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  readonly fsync: boolean;
  /** Set on a topic that is or was a mirror's copy: the id of the topic that it is a copy of. */
  readonly originTopicId: string | undefined;
  readonly writer: TopicWriter;
  /** Of a copy that was promoted: where its partitions ended then. */
  readonly cuts: readonly number[];
  /** Partitions that this broker sends, or fetches, no faster than the throttles say (KIP-73). */
  readonly throttled: { readonly asLeader: ThrottledPartitions; readonly asFollower: ThrottledPartitions };
  readonly log: Partial<LogConfig>;
}

/** Who may append: clients, or the mirror into its copy, or nobody while the copy takes over from its origin. */
export type TopicWriter = 'clients' | 'mirror' | 'nobody';

export type ThrottledPartitions = ReadonlySet<number> | 'all';

export function isThrottled(partitions: ThrottledPartitions, index: number): boolean {
  return partitions === 'all' || partitions.has(index);
}

export function topicSettings(sources: BrokerConfigSources, topic: string): TopicSettings {
  const text = (name: string): string | undefined => topicConfigValue(sources, topic, name);
  const number = (name: string): number => topicConfigNumber(sources, topic, name);
  const fsync = text(TOPIC_CONFIG.durability) === 'fsync' || number(TOPIC_CONFIG.flushMessages) === 1;
  const isSet = text(TOPIC_CONFIG.internalSegmentBytes) !== undefined;
  const segmentBytes = number(isSet ? TOPIC_CONFIG.internalSegmentBytes : TOPIC_CONFIG.segmentBytes);
  const policies = splitList(text(TOPIC_CONFIG.cleanupPolicy) ?? '');
  const compaction = policies.includes('compact') ? compactionSettings(number) : undefined;
  return {
    maxMessageBytes: number(TOPIC_CONFIG.maxMessageBytes),
    segmentBytes,
    minInsyncReplicas: number(TOPIC_CONFIG.minInsyncReplicas),
    lagMaxMs: brokerConfigNumber(sources, 'replica.lag.time.max.ms'),
    compacted: policies.includes('compact'),
    compactedOnly: policies.includes('compact') && !policies.includes('delete'),
    retention: policies.includes('delete')
      ? { retentionMs: number(TOPIC_CONFIG.retentionMs), retentionBytes: number(TOPIC_CONFIG.retentionBytes) }
      : undefined,
    compaction,
    compression: compressionSettings(text(TOPIC_CONFIG.compressionType), number),
    logAppendTime: text(TOPIC_CONFIG.messageTimestampType) === 'LogAppendTime',
    timestampBeforeMaxMs: number(TOPIC_CONFIG.messageTimestampBeforeMaxMs),
    timestampAfterMaxMs: number(TOPIC_CONFIG.messageTimestampAfterMaxMs),
    fsync,
    originTopicId: text(TOPIC_CONFIG.originTopicId),
    writer: writerOf(text(TOPIC_CONFIG.originTopicId), text(TOPIC_CONFIG.originPromoted)),
    cuts: cutsOf(text(TOPIC_CONFIG.originPromoted)),
    throttled: {
      asLeader: throttledPartitions(text('leader.replication.throttled.replicas'), sources.nodeId),
      asFollower: throttledPartitions(text('follower.replication.throttled.replicas'), sources.nodeId),
    },
    log: {
      segmentBytes,
      indexIntervalBytes: number(TOPIC_CONFIG.indexIntervalBytes),
      // A record can only be compacted once its segment is closed.
      segmentMs: Math.min(number(TOPIC_CONFIG.segmentMs), compaction?.maxCompactionLagMs ?? Number.POSITIVE_INFINITY),
      segmentJitterMs: number(TOPIC_CONFIG.segmentJitterMs),
      indexBytes: number(TOPIC_CONFIG.segmentIndexBytes),
      fileDeleteDelayMs: number(TOPIC_CONFIG.fileDeleteDelayMs),
      fsync,
    },
  };
}

function writerOf(originTopicId: string | undefined, promoted: string | undefined): TopicWriter {
  if (originTopicId === undefined) return 'clients';
  if (promoted === undefined) return 'mirror';
  return promoted === 'sealed' ? 'nobody' : 'clients';
}

const cutsOf = (promoted = 'sealed'): number[] => (promoted === 'sealed' ? [] : promoted.split(',').map(Number));

function compactionSettings(number: (name: string) => number): CompactionSettings {
  return {
    minDirtyRatio: number(TOPIC_CONFIG.minCleanableDirtyRatio),
    minCompactionLagMs: number(TOPIC_CONFIG.minCompactionLagMs),
    maxCompactionLagMs: number(TOPIC_CONFIG.maxCompactionLagMs),
    deleteRetentionMs: number(TOPIC_CONFIG.deleteRetentionMs),
  };
}

const UNCOMPRESSED: CompressionSettings = { codec: 'none', compress };

function compressionSettings(
  type: string | undefined,
  number: (name: string) => number,
): CompressionSettings | undefined {
  switch (type) {
    case 'uncompressed':
      return UNCOMPRESSED;
    case 'gzip':
    case 'zstd': {
      const wanted = number(`compression.${type}.level`);
      const level = type === 'zstd' ? Math.min(wanted, MAX_ZSTD_LEVEL) : wanted;
      return { codec: type, compress: (codec, bytes) => compress(codec, bytes, level) };
    }
    case 'snappy':
    case 'lz4':
      return { codec: type, compress };
    default:
      return undefined;
  }
}

const NONE: ReadonlySet<number> = new Set();

/** Of `partition:broker` pairs those of this broker. */
function throttledPartitions(text: string | undefined, nodeId: number): ThrottledPartitions {
  if (text === undefined || text === '') return NONE;
  if (text === '*') return 'all';
  const pairs = splitList(text).map((pair) => pair.split(':').map(Number));
  return new Set(pairs.flatMap(([partition, broker]) => (broker === nodeId ? [partition!] : [])));
}

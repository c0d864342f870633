/**
 * What the client is to its users (mirror, gateway, command line): the interfaces, without code.
 * Invariant: record batches go in and out as the bytes that they are; nothing here decodes a record.
 */
import type { Io, Logger } from '@meridian/io';
import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';
import type { ClientLimits } from './limits.ts';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export interface ClientOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>;
  /** Where to begin, and where to return to when no known broker answers. */
  readonly bootstrap: readonly NodeAddress[];
  readonly clientId: string;
  /** Password of the user `internal` (SCRAM-SHA-256); with it, every connection authenticates first. */
  readonly secret?: string;
  readonly log: Logger;
  readonly limits?: Partial<ClientLimits>;
}

/** Bounds and cancels one call. On `signal` it rejects with `ClientError` code `cancelled`. */
export interface CallOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Of questions that only leaders answer. */
export interface QueryOptions extends CallOptions {
  /**
   * Partitions that are refused, or have no leader, are asked again for so long, and then answered with Kafka's code
   * while the others have their answers. Default: the call's time, and what nobody answers rejects the call.
   */
  readonly retryForMs?: number;
}

export interface SendOptions extends CallOptions {
  /** Without it: the highest version that both sides speak. */
  readonly version?: number;
}

export interface MetadataOptions extends CallOptions {
  /** A cached view older than this is refreshed; 0 always asks. Default: `metadataMaxAgeMs`. */
  readonly maxAgeMs?: number;
  /** Lets the broker create topics that do not exist. */
  readonly autoCreate?: boolean;
}

/** The cluster as one broker described it; never changed in place. */
export interface ClusterView {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, NodeAddress>;
  /** The topics asked for, by name; one that does not exist is there with its `errorCode`. */
  readonly topics: ReadonlyMap<string, TopicView>;
}

export interface TopicView {
  readonly name: string;
  /** uuid text; `ZERO_UUID` if the broker does not tell. */
  readonly id: string;
  readonly isInternal: boolean;
  readonly errorCode: number;
  /** Indexed by the partition number. */
  readonly partitions: readonly PartitionView[];
}

export interface PartitionView {
  readonly index: number;
  /** Node id, −1: no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly errorCode: number;
  readonly replicas: readonly number[];
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `timestamp` in ms, or one of `EARLIEST` and `LATEST`. */
export interface OffsetQuery extends TopicPartition {
  readonly timestamp: number;
}

export interface ListedOffset extends TopicPartition {
  /** 0, or Kafka's code; retriable ones have been retried, see `QueryOptions`. */
  readonly errorCode: number;
  /** −1: no such record. */
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

export interface EpochQuery extends TopicPartition {
  readonly leaderEpoch: number;
}

/** The largest epoch ≤ the one asked for, and the offset at which it ends; −1 where unknown. */
export interface EpochEnd extends TopicPartition {
  readonly errorCode: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

export interface TopicToCreate {
  readonly name: string;
  /** −1: the broker's default. */
  readonly numPartitions: number;
  /** Default −1: the broker's default. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface TopicOutcome {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** `ZERO_UUID` on an error, and where the broker does not tell. */
  readonly topicId: string;
}

export interface TopicConfigs {
  readonly errorCode: number;
  readonly values: ReadonlyMap<string, ConfigValue>;
}

export interface ConfigValue {
  readonly value: string | null;
  /** Set on the topic itself. */
  readonly isSet: boolean;
}

/** Append-at-offset: the leader takes the batches only if its log ends at `expectedEnd`. */
export interface MirrorAppend {
  readonly originTopicId: string;
  readonly expectedEnd: number;
  /** Beyond the last record: the log's end is moved there. Default −1: no. */
  readonly endOffset?: number;
}

export interface ProduceOptions extends CallOptions {
  /** Default −1 (all). */
  readonly acks?: 1 | -1;
  /** One attempt, several batches allowed, several calls in flight per partition; the answer tells the log's end. */
  readonly mirror?: MirrorAppend;
  /** Sends batches without producer id again even if they may have been appended (duplicates). Default: `outcome-unknown`. */
  readonly retryUnknown?: boolean;
}

export interface ProducedResult {
  /** 0, or Kafka's code: refused, nothing was appended (46 DUPLICATE_SEQUENCE_NUMBER: appended earlier). */
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly baseOffset: number;
  /** Set by LogAppendTime topics, else −1. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** Mirror appends: the leader's log end now; −1 if it does not tell. */
  readonly logEnd: number;
  /** The leader epoch of the stored batch; −1 where the broker does not tell (only Meridian's internal listener does). */
  readonly storedEpoch: number;
  /** The broker had the batch already; as far as it tells. */
  readonly duplicate: boolean;
}

export interface Client {
  /**
   * One request, one answer, no retry: `to` is a node id or `any`. Rejects with `ClientError` where the world failed;
   * Kafka's error codes stay in the answer.
   */
  send<A extends Api>(api: A, body: RequestInput<A>, to: number | 'any', options?: SendOptions): Promise<ResponseOf<A>>;
  metadata(topics: readonly string[] | 'all', options?: MetadataOptions): Promise<ClusterView>;
  /** Waits for a leader as long as the call may take. Rejects: `unknown-topic`, `no-leader`. */
  leaderOf(topic: string, partition: number, options?: CallOptions): Promise<number>;
  /** Whether the broker advertises the feature in ApiVersions, e.g. `meridian.mirror`. */
  supports(nodeId: number, feature: string, options?: CallOptions): Promise<boolean>;
  /** Answers in the order of the queries. */
  listOffsets(queries: readonly OffsetQuery[], options?: QueryOptions): Promise<ListedOffset[]>;
  offsetForLeaderEpoch(queries: readonly EpochQuery[], options?: QueryOptions): Promise<EpochEnd[]>;
  createTopics(topics: readonly TopicToCreate[], options?: CallOptions): Promise<TopicOutcome[]>;
  createPartitions(
    topics: readonly { name: string; count: number }[],
    options?: CallOptions,
  ): Promise<{ name: string; errorCode: number; errorMessage: string | null }[]>;
  describeTopicConfigs(names: readonly string[], options?: CallOptions): Promise<Map<string, TopicConfigs>>;
  initProducerId(options?: CallOptions): Promise<{ producerId: number; producerEpoch: number }>;
  /**
   * Appends one batch (`batches`: its bytes, in as many pieces as there are; several whole batches with `mirror`).
   * Retriable errors are retried against a fresh leader until `timeoutMs`; calls for one partition take effect in
   * the order in which they were made.
   */
  produce(
    topic: string,
    partition: number,
    batches: readonly Buffer[],
    options?: ProduceOptions,
  ): Promise<ProducedResult>;
  fetcher(options?: FetcherOptions): Fetcher;
  /** Ends all connections and rejects what is under way. */
  close(): Promise<void>;
}

export interface FetcherOptions {
  /** How long a broker may hold a fetch that has nothing to deliver. */
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  /** Of one answer; a first batch larger than this is delivered all the same. */
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  /** Default `read_uncommitted`. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
}

/**
 * Long polls, one loop per leader for all of its partitions. A paused partition is not asked for; what was under way
 * when it was paused is still delivered.
 */
export interface Fetcher {
  add(subscription: FetchSubscription): FetchHandle;
  /** All partitions at once, e.g. while a shared budget is used up; independent of each handle's own pause. */
  pause(): void;
  resume(): void;
  close(): void;
}

export interface FetchSubscription extends TopicPartition {
  /** The first offset wanted; the first batch delivered may begin below it. */
  readonly offset: number;
  /** The topic that is meant; a topic of this name with another id is `UNKNOWN_TOPIC_ID`. Default: the id found first. */
  readonly topicId?: string;
  /** Epoch of the record before `offset`: the leader compares, and a diverged log is reported by `onError`. */
  readonly lastFetchedEpoch?: number;
  /** Asks for the origin's epochs, from the n-th on (0: all); followed up by itself. */
  readonly originEpochsFrom?: number;
  onBatches(slice: FetchedSlice): void;
  /** Not retriable: the partition rests until `seek` or `remove`. */
  onError(error: FetchFailure): void;
  /** An answer without data: the log ends at `highWatermark`; with `hole`, it has no batch from the position up to there. */
  onEnd?(highWatermark: number, hole: boolean): void;
  /** Before the first fetch from a leader of this epoch; `pause()` in here keeps it from being sent. */
  onLeaderEpoch?(leaderEpoch: number): void;
  /** Something that is retried by itself went wrong; for status. */
  onRetry?(reason: string): void;
}

export interface FetchedSlice {
  /** Whole batches, slices of the answer's frame: keep them briefly or copy. */
  readonly buffers: readonly Buffer[];
  readonly sizeInBytes: number;
  /** Base offset of the first batch, and the offset after the last one. */
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Leader epoch in the last batch's header. */
  readonly lastEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  /** New entries since the last slice; an answer that brings nothing else is delivered too, without buffers. */
  readonly originEpochs: readonly OriginEpoch[];
}

export interface OriginEpoch {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface FetchFailure {
  /** Kafka's code, e.g. 1 OFFSET_OUT_OF_RANGE; `diverged`: see `divergence`. */
  readonly code: number | 'diverged' | 'corrupt';
  readonly detail: string;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** With `corrupt`: the offsets that the bad batch takes, `to` exclusive, where it can be told; `seek` behind goes on. */
  readonly range?: { readonly from: number; readonly to: number };
  /** With `diverged`: the leader's end of the largest epoch that both sides can share. */
  readonly divergence?: { readonly epoch: number; readonly endOffset: number };
}

export interface FetchHandle {
  /** The next offset that will be fetched. */
  readonly position: number;
  /** Leaves whatever is under way undelivered, and wakes a partition that rests after an error. */
  seek(offset: number, lastFetchedEpoch?: number): void;
  pause(): void;
  resume(): void;
  remove(): void;
}

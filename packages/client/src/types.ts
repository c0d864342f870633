/**
 * What goes in and out of the client's calls: options, questions and answers, without code. What a fetcher takes and
 * gives is in `fetch/fetch-types.ts`; the calls themselves are in `client-interface.ts`.
 * Invariant: record batches go in and out as the bytes that they are; nothing here decodes a record.
 */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
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

export interface ListOffsetsOptions extends QueryOptions {
  /** With `read_committed`, `LATEST` is the last stable offset. Default `read_uncommitted`. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
}

export interface SendOptions extends CallOptions {
  /** The highest version that both sides speak is used, but none above this. */
  readonly version?: number;
  /** Rejects with `unsupported-version` where the broker speaks only older ones. */
  readonly minVersion?: number;
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
  /**
   * The batch carries producer id, epoch and sequence of a producer that numbers its batches itself: they leave in the
   * order of the calls, up to five at a time. Once one of them has ended without being appended, or nobody knows whether
   * it was, those behind it are not sent (again): they reject with `predecessor-failed`.
   */
  readonly sequenced?: boolean;
  /** The topic that is meant; if the name has another id now, it rejects with `unknown-topic`. Default: whichever has the name. */
  readonly topicId?: string;
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

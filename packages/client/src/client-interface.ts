/**
 * What the client is to its users (mirror, gateway, command line): its calls, without code.
 * Invariant: every call ends, with an answer or a `ClientError`.
 */
import type { Io, Logger } from '@meridian/io';
import type { Api, RequestInput, ResponseOf } from '@meridian/protocol';
import type { Fetcher, FetcherOptions } from './fetch/fetch-types.ts';
import type { GroupAdmin } from './group-admin.ts';
import type { ClientLimits } from './limits.ts';
import type { LogAdmin } from './log-admin.ts';
import type { Membership } from './member/member-types.ts';
import type { Security } from './security.ts';
import type { TransactionFence } from './transaction-fence.ts';
import type {
  CallOptions,
  ClusterView,
  EpochEnd,
  EpochQuery,
  ListedOffset,
  ListOffsetsOptions,
  MetadataOptions,
  NodeAddress,
  OffsetQuery,
  ProducedResult,
  ProduceOptions,
  QueryOptions,
  SendOptions,
  TopicConfigs,
  TopicOutcome,
  TopicToCreate,
} from './types.ts';

export interface ClientOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>;
  /** Where to begin, and where to return to when no known broker answers. */
  readonly bootstrap: readonly NodeAddress[];
  readonly clientId: string;
  /** Password of the user `internal` (SCRAM-SHA-256); with it, every connection authenticates first. */
  readonly secret?: string;
  /** How connections are encrypted and who the client is, where `secret` is not enough. */
  readonly security?: Security;
  readonly log: Logger;
  readonly limits?: Partial<ClientLimits>;
}

export interface Client extends GroupAdmin, LogAdmin, TransactionFence, Membership {
  /**
   * One request, one answer, no retry: `to` is a node id or `any`. Rejects with `ClientError` where the world failed;
   * Kafka's error codes stay in the answer.
   */
  send<A extends Api>(api: A, body: RequestInput<A>, to: number | 'any', options?: SendOptions): Promise<ResponseOf<A>>;
  metadata(topics: readonly string[] | 'all', options?: MetadataOptions): Promise<ClusterView>;
  /** Waits for a leader as long as the call may take. Rejects: `unknown-topic`, `no-leader`. */
  leaderOf(topic: string, partition: number, options?: CallOptions): Promise<number>;
  /** Whether the broker advertises the feature in ApiVersions, e.g. `meridian.mirror`, at this level (default 1) or above. */
  supports(nodeId: number, feature: string, options?: CallOptions, level?: number): Promise<boolean>;
  /** Answers in the order of the queries. */
  listOffsets(queries: readonly OffsetQuery[], options?: ListOffsetsOptions): Promise<ListedOffset[]>;
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

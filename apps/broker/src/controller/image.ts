/**
 * The metadata image: what the cluster is, as the metadata log says it. Read by every API handler and by the
 * partitions; written only by `apply.ts`.
 * Invariant: the values in here (`Topic`, `PartitionInfo`, `BrokerInfo`) are never changed in place. A record
 * replaces them, so whoever keeps one keeps a consistent picture of that moment.
 */
import type { MetadataRecordInput } from '@meridian/protocol';

/** Read-only view of the applied metadata log. */
export interface MetadataImage {
  readonly clusterId: string;
  /** Node id of the active controller, −1 while there is none. */
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, BrokerInfo>;
  /** Controllers that have registered: voters, and those that would be. */
  readonly controllers: ReadonlyMap<number, ControllerInfo>;
  readonly topicsByName: ReadonlyMap<string, Topic>;
  readonly topicsById: ReadonlyMap<string, Topic>;
  /** Finalized feature levels, `metadata.version` among them. */
  readonly features: ReadonlyMap<string, number>;
  /** First producer id that no block has covered yet; −1 before the first block. */
  readonly nextProducerId: number;
  /** Names that hold '.' or '_' by the form in which they would collide (`collisionKey`). */
  readonly namesByCollisionKey: ReadonlyMap<string, ReadonlySet<string>>;
  /** Values set on one topic or broker (`''` is the default of all brokers) or the like; empty when none are set. */
  configOf(resource: ConfigResource, name: string): ReadonlyMap<string, string>;
  /** Names of the resources of a kind that have values set. */
  configuredNames(resource: ConfigResource): Iterable<string>;
  /** What is kept for Apache Kafka alone: ACLs, users, delegation tokens, client quotas. */
  securityRecords(): Iterable<MetadataRecordInput>;
  /** Offset after the last record that this image contains. */
  readonly endOffset: number;
}

export type ConfigResource = 'topic' | 'broker' | 'client-metrics' | 'group';

export interface BrokerInfo {
  readonly id: number;
  /** Offset of the broker's registration record: grows with every registration. */
  readonly epoch: number;
  /** A random uuid per start of the process. */
  readonly incarnationId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly rack: string | null;
  readonly fenced: boolean;
  readonly inControlledShutdown: boolean;
  /** Data folders' ids (uuid text). */
  readonly directories: readonly string[];
  /** Those of them that get no new replicas; null: the broker does not say. */
  readonly cordonedDirectories: readonly string[] | null;
  readonly features: readonly SupportedFeature[];
}

/** Levels of a feature that a node can run. */
export interface SupportedFeature {
  readonly name: string;
  readonly minSupportedVersion: number;
  readonly maxSupportedVersion: number;
}

export interface ControllerInfo {
  readonly id: number;
  /** A random uuid per start of the process. */
  readonly incarnationId: string;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly features: readonly SupportedFeature[];
}

export interface BrokerEndpoint {
  /** Listener name: `CLIENT` or `INTERNAL`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Kafka's number: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
  readonly securityProtocol: number;
}

export interface Topic {
  readonly name: string;
  /** uuid text, lower case. */
  readonly id: string;
  /** Indexed by the partition number, without holes. */
  readonly partitions: readonly PartitionInfo[];
}

export interface PartitionInfo {
  readonly index: number;
  /** Node id, −1: no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** Of a reassignment that is under way (KIP-455). */
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
  /** Kafka's number: 0 recovered, 1 the leader was elected uncleanly and has not recovered. */
  readonly leaderRecoveryState: number;
  /** Not in sync any more, but with all that is committed: they may lead without loss (KIP-966). */
  readonly eligibleLeaderReplicas: readonly number[];
  /** Who was in sync last, where nobody is known to have all that is committed. */
  readonly lastKnownElr: readonly number[];
  /** Parallel to `replicas`: the data folder (uuid text) that holds each. */
  readonly directories: readonly string[];
}

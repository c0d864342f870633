/**
 * What handlers may know of the broker's config: plain values, fixed for the life of the process.
 * Built once by `createBroker`; read by the API handlers.
 */
export interface BrokerFacts {
  readonly region: string;
  readonly nodeId: number;
  readonly autoCreateTopics: boolean;
  readonly defaultPartitions: number;
  /** Features that ApiVersions shows on the internal listener, e.g. `meridian.mirror`. */
  readonly internalFeatures: readonly string[];
}

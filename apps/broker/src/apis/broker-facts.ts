/**
 * What handlers may know of the broker's config: plain values, fixed for the life of the process.
 * Built once by `createBroker`; read by the API handlers.
 */
export interface BrokerFacts {
  readonly nodeId: number;
  readonly autoCreateTopics: boolean;
}

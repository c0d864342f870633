/**
 * What handlers may know of the broker's config: plain values, fixed for the life of the process.
 * Built once by `createBroker`; read by the API handlers.
 */
export interface BrokerFacts {
  readonly nodeId: number;
  readonly autoCreateTopics: boolean;
}

/** A log dir as DescribeLogDirs shows it. */
export interface LogDirView {
  readonly path: string;
  readonly isOnline: boolean;
  /** Of the device that holds it; −1 where the device does not say. */
  space(): { readonly totalBytes: number; readonly freeBytes: number };
}

/**
 * Kafka's numbers of what configs may belong to, as they stand in requests and in metadata records.
 * Read by the config APIs, the decisions that write ConfigRecords, and what applies them.
 */
import type { ConfigResource } from '../image.ts';

export const CONFIG_RESOURCE_TYPE = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;

/** The resources whose configs are kept in the image, by number; log levels are not. */
export const CONFIG_RESOURCES: ReadonlyMap<number, ConfigResource> = new Map([
  [CONFIG_RESOURCE_TYPE.topic, 'topic'],
  [CONFIG_RESOURCE_TYPE.broker, 'broker'],
  [CONFIG_RESOURCE_TYPE.clientMetrics, 'client-metrics'],
  [CONFIG_RESOURCE_TYPE.group, 'group'],
]);

/** The number of a kept resource. */
export const CONFIG_RESOURCE_IDS: Readonly<Record<ConfigResource, number>> = {
  topic: CONFIG_RESOURCE_TYPE.topic,
  broker: CONFIG_RESOURCE_TYPE.broker,
  'client-metrics': CONFIG_RESOURCE_TYPE.clientMetrics,
  group: CONFIG_RESOURCE_TYPE.group,
};

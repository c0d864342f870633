/**
 * A broker's config: what the JSON file of its process holds, and what `createBroker` takes. The schema is read by the
 * process shell, which fills in defaults and names every wrong field.
 */
import type { ConfigOf } from '@meridian/service';

const PORT = { type: 'integer', minimum: 0, maximum: 65_535 } as const;
const HOST = { type: 'string', minLength: 1, maxLength: 255 } as const;
const BYTES = { type: 'integer', minimum: 1 } as const;

export const BROKER_CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['region', 'regionId', 'nodeId', 'dataFolder', 'client', 'internal', 'regions'],
  properties: {
    region: { type: 'string', minLength: 1, maxLength: 64, description: 'The region that this broker stands in.' },
    regionId: { type: 'integer', minimum: 1, maximum: 4095, description: 'The region’s permanent number.' },
    nodeId: { type: 'integer', minimum: 0, maximum: 2_147_483_647, description: 'This broker’s id in its cluster.' },
    clusterId: { type: 'string', minLength: 22, maxLength: 22, description: 'Made up by a new data folder if absent.' },
    dataFolder: {
      type: 'string',
      minLength: 1,
      description: 'Where everything is kept: the metadata, and the partitions.',
    },
    logDirs: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      description: 'More folders for partitions, on other disks; each new partition goes where the fewest are.',
    },
    client: {
      type: 'object',
      additionalProperties: false,
      required: ['host', 'port'],
      properties: { host: HOST, port: PORT, advertisedHost: HOST, advertisedPort: PORT },
      description: 'The listener for everybody.',
    },
    internal: {
      type: 'object',
      additionalProperties: false,
      required: ['host', 'port', 'secret'],
      properties: {
        host: HOST,
        port: PORT,
        secret: { type: 'string', minLength: 16, description: 'What peers have to prove that they know.' },
        advertisedHost: HOST,
        advertisedPort: PORT,
      },
      description: 'The listener for mirrors, gateways and other brokers.',
    },
    regions: { type: 'array', items: { type: 'string' }, description: 'All regions’ names: reserved topic prefixes.' },
    configs: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Broker configs by Apache Kafka’s names, where they are not the default.',
    },
    autoCreateTopics: { type: 'boolean', default: true },
    defaultPartitions: { type: 'integer', minimum: 1, maximum: 10_000, default: 1 },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: {
        maxFrameBytes: BYTES,
        maxConnections: BYTES,
        idleConnectionMs: BYTES,
        tailCacheBytes: BYTES,
      },
      description: 'Bounds that differ from the defaults of `limits.ts`.',
    },
  },
} as const;

export type BrokerConfig = ConfigOf<typeof BROKER_CONFIG_SCHEMA>;

/** Where others are told to find a listener; one on every address is told as this machine, unless configured. */
export function advertisedAddress(
  { host, advertisedHost, advertisedPort }: BrokerConfig['client'],
  boundPort: number,
): { host: string; port: number } {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { host: advertisedHost ?? reachable, port: advertisedPort ?? boundPort };
}

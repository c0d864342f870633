/**
 * A broker's config: what the JSON file of its process holds, and what `createBroker` takes. The schema is read by the
 * process shell, which fills in defaults and names every wrong field; what fields say of each other is checked by
 * `node-roles.ts`.
 */
import type { ConfigOf } from '@meridian/service';

const PORT = { type: 'integer', minimum: 0, maximum: 65_535 } as const;
const HOST = { type: 'string', minLength: 1, maxLength: 255 } as const;
const BYTES = { type: 'integer', minimum: 1 } as const;
const NODE_ID = { type: 'integer', minimum: 0, maximum: 2_147_483_647 } as const;
/** Base64 of 16 bytes, as `kafka-storage random-uuid` prints it. */
const UUID = { type: 'string', pattern: '^[A-Za-z0-9_-]{22}$' } as const;

export const BROKER_CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['region', 'regionId', 'nodeId', 'dataFolder', 'internal', 'regions'],
  properties: {
    region: { type: 'string', minLength: 1, maxLength: 64, description: 'The region that this broker stands in.' },
    regionId: { type: 'integer', minimum: 1, maximum: 4095, description: 'The region’s permanent number.' },
    nodeId: { ...NODE_ID, description: 'This node’s id in its cluster.' },
    roles: {
      type: 'array',
      minItems: 1,
      items: { enum: ['broker', 'controller'] },
      description: 'What this node is: `broker`, `controller`, or both, which is the default.',
    },
    voters: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'host', 'port'],
        properties: { id: NODE_ID, host: HOST, port: { ...PORT, minimum: 1 }, directoryId: UUID },
      },
      description:
        'The controllers that vote when the cluster begins, by their internal listeners; this node alone if absent.',
    },
    clusterId: {
      type: 'string',
      minLength: 22,
      maxLength: 22,
      description: 'Made up by a new data folder if absent; nodes that have others among their voters need it.',
    },
    directoryId: { ...UUID, description: 'The id that a new data folder is given; made up if absent.' },
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
      description: 'The listener for everybody; of brokers alone.',
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

/** Where a node listens, and what others are told. */
export type ListenerConfig = NonNullable<BrokerConfig['client']>;

/** A node that has such a listener; `node-roles.ts` says which have one for clients. */
export function listenerConfig(config: BrokerConfig, name: 'client' | 'internal'): ListenerConfig {
  const listener = config[name];
  if (listener === undefined) throw new Error(`node ${config.nodeId} has no ${name} listener`);
  return listener;
}

/** Where others are told to find a listener; one on every address is told as this machine, unless configured. */
export function advertisedAddress(
  { host, advertisedHost, advertisedPort }: ListenerConfig,
  boundPort: number,
): { host: string; port: number } {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { host: advertisedHost ?? reachable, port: advertisedPort ?? boundPort };
}

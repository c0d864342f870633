/**
 * The two regions of a simulated run: addresses, configs, and the one topic that is written in both.
 */
import type { BrokerConfig } from '@meridian/broker';
import type { GatewayConfig } from '@meridian/gateway';
import type { MirrorConfig } from '@meridian/mirror';
import type { TokenVerifier } from '@meridian/tenancy';
import { compressionOf } from './geo/plan.ts';

export const TENANT = 'acme';
export const TOPIC = 'orders';
export const PHYSICAL_TOPIC = `${TENANT}.${TOPIC}`;
export const SECRET = 'a secret of the simulation';
export const PORTS = { client: 9092, internal: 9093, gateway: 8080, management: 9094 } as const;

export interface RegionPlan {
  name: string;
  id: number;
}

export const REGIONS: readonly [RegionPlan, RegionPlan] = [
  { name: 'us-east', id: 1 },
  { name: 'eu-west', id: 2 },
];

const NAMES = REGIONS.map((region) => region.name);
/** Every so many seeds the regions have clusters of brokers instead of one each. */
const CLUSTER_EVERY = 4;
const CLUSTER_IDS = [1, 2, 3] as const;
const ALONE_IDS = [1] as const;
const CLUSTER_CONFIGS = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '3',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
} as const;

export const brokerIds = (seed: number): readonly number[] => (seed % CLUSTER_EVERY === 0 ? CLUSTER_IDS : ALONE_IDS);

export const brokerHost = (region: string, nodeId: number): string => `broker${nodeId}.${region}`;

/** A broker that is alone, or one of several that are controllers, too. */
export function brokerConfig({ name, id }: RegionPlan, ids: readonly number[], nodeId: number): BrokerConfig {
  const host = brokerHost(name, nodeId);
  return {
    region: name,
    regionId: id,
    nodeId,
    ...(ids.length > 1 && { ...voters(name, id, ids), configs: CLUSTER_CONFIGS }),
    dataFolder: '/data',
    client: { host, port: PORTS.client },
    internal: { host, port: PORTS.internal, secret: SECRET },
    regions: NAMES,
    autoCreateTopics: false,
    defaultPartitions: 1,
  };
}

function voters(name: string, id: number, ids: readonly number[]): Pick<BrokerConfig, 'clusterId' | 'voters'> {
  const clusterId = Buffer.alloc(16, id).toString('base64url');
  return { clusterId, voters: ids.map((each) => ({ id: each, host: brokerHost(name, each), port: PORTS.internal })) };
}

const internal = (region: string, ids: readonly number[]) =>
  ids.map((id) => ({ host: brokerHost(region, id), port: PORTS.internal }));

export function mirrorConfig({ name }: RegionPlan, ids: readonly number[], seed: number): MirrorConfig {
  const others = NAMES.filter((from) => from !== name);
  return {
    region: name,
    secret: SECRET,
    target: { bootstrap: internal(name, ids) },
    sources: others.map((region) => ({ region, bootstrap: internal(region, ids) })),
    links: others.map((from) => ({ from, to: name, compression: compressionOf(seed, from) })),
    management: { host: 'localhost', port: PORTS.management },
  };
}

export const CURSOR_KEYS_FILE = '/cursor-keys.json';

export function gatewayConfig({ name }: RegionPlan, ids: readonly number[]): GatewayConfig {
  return {
    host: `gateway.${name}`,
    port: PORTS.gateway,
    region: name,
    regions: NAMES,
    bootstrap: internal(name, ids),
    secret: SECRET,
    issuer: 'meridian',
    audience: 'meridian',
    cursorKeysFile: CURSOR_KEYS_FILE,
    allowedOrigins: [],
  };
}

/** jose's work is done by threads; here a token is its subject, and everybody may do everything. */
export const simVerifier: TokenVerifier = {
  verify: async (subject) => ({
    tenant: TENANT,
    subject,
    permissions: [{ topic: '', prefix: true, read: true, write: true }],
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  }),
};

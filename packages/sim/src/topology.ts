/**
 * The two regions of a simulated run: addresses, configs, and the one topic that is written in both.
 */
import type { BrokerConfig } from '@meridian/broker';
import type { GatewayConfig } from '@meridian/gateway';
import type { MirrorConfig } from '@meridian/mirror';
import type { TokenVerifier } from '@meridian/tenancy';

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
const brokerHost = (region: string): string => `broker.${region}`;

export function brokerConfig({ name, id }: RegionPlan): BrokerConfig {
  const host = brokerHost(name);
  return {
    region: name,
    regionId: id,
    nodeId: 1,
    dataFolder: '/data',
    client: { host, port: PORTS.client },
    internal: { host, port: PORTS.internal, secret: SECRET },
    regions: NAMES,
    autoCreateTopics: false,
    defaultPartitions: 1,
  };
}

const internal = (region: string) => [{ host: brokerHost(region), port: PORTS.internal }];

export function mirrorConfig({ name }: RegionPlan): MirrorConfig {
  return {
    region: name,
    secret: SECRET,
    target: internal(name),
    links: NAMES.filter((from) => from !== name).map((from) => ({ from, to: name, bootstrap: internal(from) })),
    management: { host: 'localhost', port: PORTS.management },
  };
}

export const CURSOR_KEYS_FILE = '/cursor-keys.json';

export function gatewayConfig({ name }: RegionPlan): GatewayConfig {
  return {
    host: `gateway.${name}`,
    port: PORTS.gateway,
    region: name,
    regions: NAMES,
    bootstrap: internal(name),
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

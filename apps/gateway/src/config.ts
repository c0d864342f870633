/** The gateway's config file; checked by the process shell, and the type that `createGateway` takes. */
import { type ConfigOf, KAFKA_SETTINGS } from '@meridian/service';

export const CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'port', 'region', 'regions', 'cursorKeysFile'],
  properties: {
    host: { type: 'string', description: 'address to listen on' },
    port: { type: 'integer', minimum: 0, maximum: 65535, description: '0 picks a free one' },
    region: { type: 'string', minLength: 1 },
    regions: {
      type: 'array',
      minItems: 1,
      items: { type: 'string' },
      description: 'names of all regions, this one too',
    },
    bootstrap: {
      type: 'array',
      minItems: 1,
      description: "internal listeners of this region's brokers, where they are Meridian's own",
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['host', 'port'],
        properties: { host: { type: 'string' }, port: { type: 'integer', minimum: 1, maximum: 65535 } },
      },
    },
    secret: { type: 'string', minLength: 1, description: 'what the internal listener asks for' },
    kafka: { ...KAFKA_SETTINGS, description: "instead of both: settings of Apache Kafka's clients" },
    jwksFile: { type: 'string', description: 'public keys that tokens are checked with; without it nobody enters' },
    issuer: { type: 'string', default: 'meridian' },
    audience: { type: 'string', default: 'meridian' },
    cursorKeysFile: { type: 'string', description: 'key ring that signs cursors, the same in all regions' },
    allowedOrigins: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'web origins that may connect, as browsers send them; `*` allows all',
    },
  },
} as const;

export type GatewayConfig = ConfigOf<typeof CONFIG_SCHEMA>;

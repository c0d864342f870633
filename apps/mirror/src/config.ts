/**
 * The config of a mirror process: one target region, the regions that it may mirror, and the links from them. Literals,
 * from which the types are inferred and by which `@meridian/service` checks the file. Written by `meridian local`, by
 * hand, or by helm. Invariant: whoever reads status or log of the process learns no secret from them.
 */
import { type ConfigOf, KAFKA_SETTINGS, LINK_SCHEMA, type LinkEntry, REGION_NAME } from '@meridian/service';

const REGION = { type: 'string', pattern: REGION_NAME } as const;

const address = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1, maxLength: 253 },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
  },
  required: ['host', 'port'],
} as const;

/** One of the two: which, tells the region's engine. */
const endpoint = {
  bootstrap: {
    type: 'array',
    items: address,
    minItems: 1,
    maxItems: 64,
    description: 'Engine `embedded`: internal listeners of the region’s brokers.',
  },
  kafka: { ...KAFKA_SETTINGS, description: 'Engine `kafka`: settings of Apache Kafka’s clients.' },
} as const;

export const MIRROR_CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    region: { ...REGION, description: 'The region that the copies are written to.' },
    secret: { type: 'string', minLength: 1, maxLength: 1024, description: 'Shared by the internal listeners.' },
    target: { type: 'object', additionalProperties: false, properties: endpoint },
    sources: {
      type: 'array',
      maxItems: 256,
      default: [],
      description: 'All other regions: links may come from any of them.',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: { region: REGION, ...endpoint },
        required: ['region'],
      },
    },
    links: {
      type: 'array',
      maxItems: 1024,
      items: LINK_SCHEMA,
      default: [],
      description: 'Where there is no `linksFile`.',
    },
    linksFile: {
      type: 'string',
      minLength: 1,
      maxLength: 4096,
      description: '`regions/links.yaml`: those into `region` are taken, and changes are while it runs.',
    },
    memberId: {
      type: 'string',
      pattern: '^[A-Za-z0-9._-]{1,64}$',
      description: 'Of this process among those that share the region’s links. Default: made up.',
    },
    management: {
      type: 'object',
      additionalProperties: false,
      properties: {
        host: { type: 'string', minLength: 1, maxLength: 253, default: '127.0.0.1' },
        port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'See links/link-routes.ts; 0: any.' },
      },
      required: ['port'],
    },
  },
  required: ['region', 'target', 'management'],
} as const;

type Checked = ConfigOf<typeof MIRROR_CONFIG>;
/** `links` as anybody writes them. */
export type MirrorConfig = Omit<Checked, 'links' | 'sources'> & {
  links?: readonly LinkEntry[];
  sources?: readonly SourceConfig[];
};
export type EndpointConfig = Checked['target'];
export type SourceConfig = EndpointConfig & { region: string };

/**
 * What a link is: one entry of `links.yaml`, of a mirror's config, and (without `managed`) of a request that creates one.
 * A literal, from which the type is inferred. Checked beyond the single fields by `link-check.ts`.
 */
import type { ConfigOf } from '../config.ts';

/** Also the prefix of the copies' names, so no dot and nothing that a topic name could not carry. */
export const REGION_NAME = '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$';
const LINK_NAME = '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$';

const names = {
  type: 'array',
  minItems: 1,
  maxItems: 4096,
  items: { type: 'string', minLength: 1, maxLength: 249 },
} as const;

/** None of the three: every name. Several of them: what any of them names. */
const selector = {
  list: names,
  prefix: { type: 'string', minLength: 1, maxLength: 249 },
  pattern: { type: 'string', minLength: 1, maxLength: 256, description: 'Of the whole name; without look-around.' },
} as const;

const SELECTOR = { type: 'object', additionalProperties: false, properties: selector } as const;

const policy = { type: 'string', enum: ['halt', 'mark-gap', 'new-incarnation'] } as const;

export const LINK_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', pattern: LINK_NAME, description: 'Default: `<from>-<to>`.' },
    from: { type: 'string', pattern: REGION_NAME, description: 'The region that is mirrored.' },
    to: { type: 'string', pattern: REGION_NAME, description: 'The region that the copies are written to.' },
    managed: { type: 'string', const: 'file' },
    topics: {
      type: 'object',
      additionalProperties: false,
      properties: { ...selector, exclude: SELECTOR },
      default: {},
      description: 'Which topics of the origin.',
    },
    policy: {
      type: 'string',
      enum: ['prefix', 'identity'],
      default: 'prefix',
      description: 'A copy is called `<from>.<topic>`, or as its origin.',
    },
    start: {
      anyOf: [
        { type: 'string', enum: ['earliest', 'latest'] },
        {
          type: 'object',
          additionalProperties: false,
          properties: { timestampMs: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } },
          required: ['timestampMs'],
        },
      ],
      default: 'earliest',
      description: 'Where a topic begins that was there before the link. Later ones begin at their start.',
    },
    bandwidthBytesPerSecond: { type: 'integer', minimum: 1024, maximum: 1_000_000_000_000 },
    compression: {
      type: 'string',
      enum: ['none', 'zstd', 'lz4'],
      default: 'none',
      description: 'Of records on their way between the regions; they land as they were. Not from an Apache Kafka.',
    },
    follow: {
      type: 'object',
      additionalProperties: false,
      properties: {
        configs: {
          anyOf: [
            { type: 'string', const: 'default' },
            { type: 'array', maxItems: 64, items: { type: 'string', minLength: 1, maxLength: 128 } },
          ],
          default: 'default',
        },
        acls: { type: 'boolean', default: false },
        groups: { anyOf: [{ type: 'string', const: 'none' }, SELECTOR], default: {} },
      },
      default: {},
      description: 'What goes along with the records.',
    },
    onGap: {
      type: 'object',
      additionalProperties: false,
      properties: {
        default: { ...policy, default: 'halt' },
        topics: { type: 'object', additionalProperties: policy, default: {} },
      },
      default: {},
      description: 'What happens when records were lost at the origin before they were copied.',
    },
    mm2: { type: 'boolean', default: false, description: "MirrorMaker 2's topics are written, too." },
  },
  required: ['from', 'to'],
} as const;

export const LINKS_FILE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: { links: { type: 'array', maxItems: 1024, items: LINK_SCHEMA } },
  required: ['links'],
} as const;

/** What matches of names: any of the three, or everything where none is given. */
export type NameSelector = ConfigOf<typeof SELECTOR>;
export type TopicSelector = NameSelector & { exclude?: NameSelector };
export type GapPolicy = 'halt' | 'mark-gap' | 'new-incarnation';

/** A link with everything filled in. */
export interface LinkSpec {
  name: string;
  from: string;
  to: string;
  topics: TopicSelector;
  policy: 'prefix' | 'identity';
  start: 'earliest' | 'latest' | { timestampMs: number };
  /** None: as fast as it goes. */
  bandwidthBytesPerSecond?: number;
  /** On the way between the regions; what lands is what was there. */
  compression: 'none' | 'zstd' | 'lz4';
  follow: { configs: 'default' | string[]; acls: boolean; groups: 'none' | NameSelector };
  onGap: { default: GapPolicy; topics: Record<string, GapPolicy> };
  mm2: boolean;
}

/** As somebody writes it: `linkSpec` fills in the rest. */
export type LinkEntry = Pick<LinkSpec, 'from' | 'to'> & Partial<ConfigOf<typeof LINK_SCHEMA>>;

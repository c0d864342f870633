/**
 * The config of a mirror process: one target region and the links into it. A literal, from which the type is inferred
 * and by which `@meridian/service` checks the file. Written by `meridian local`, by hand, or by helm.
 */
import type { ConfigOf } from '@meridian/service';

const address = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1, maxLength: 253 },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
  },
  required: ['host', 'port'],
} as const;

const addresses = { type: 'array', items: address, minItems: 1, maxItems: 64 } as const;

export const MIRROR_CONFIG = {
  type: 'object',
  additionalProperties: false,
  properties: {
    region: { type: 'string', minLength: 1, maxLength: 32, description: 'The region that the copies are written to.' },
    secret: { type: 'string', minLength: 1, maxLength: 1024, description: 'Shared by the internal listeners.' },
    target: { ...addresses, description: "Internal listeners of the target region's brokers." },
    links: {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          from: { type: 'string', minLength: 1, maxLength: 32, description: 'The region that is mirrored.' },
          to: { type: 'string', minLength: 1, maxLength: 32, description: 'Must be `region`.' },
          bootstrap: { ...addresses, description: "Internal listeners of the origin region's brokers." },
        },
        required: ['from', 'to', 'bootstrap'],
      },
    },
    management: {
      type: 'object',
      additionalProperties: false,
      properties: {
        host: { type: 'string', minLength: 1, maxLength: 253, default: '127.0.0.1' },
        port: { type: 'integer', minimum: 0, maximum: 65_535, description: 'GET /v1/links and /healthz; 0: any.' },
      },
      required: ['port'],
    },
  },
  required: ['region', 'secret', 'target', 'links', 'management'],
} as const;

export type MirrorConfig = ConfigOf<typeof MIRROR_CONFIG>;
export type LinkConfig = MirrorConfig['links'][number];

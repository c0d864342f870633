/**
 * What a file of `regions/` may say: one schema for a region's file, one for `links.yaml`.
 * Read by `regions.ts`; the types of the whole platform's topology are inferred from here.
 */
import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false } as const;
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const host = Type.String({ minLength: 1, maxLength: 253, default: '127.0.0.1' });
/** Also the prefix of the copies' names, so no dot and nothing that a topic name could not carry. */
const regionName = Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$' });

export const REGION_SCHEMA = Type.Object(
  {
    name: regionName,
    id: Type.Integer({ minimum: 1, maximum: 4095, description: 'Permanent, never reused; part of producer ids.' }),
    engine: Type.Literal('embedded', { description: "Meridian's own brokers." }),
    kafka: Type.Object({ host, port, internalPort: port }, strict),
    gateway: Type.Object({ host, port }, strict),
    mirror: Type.Object({ host, managementPort: port }, strict),
  },
  strict,
);

export const LINKS_SCHEMA = Type.Object(
  { links: Type.Array(Type.Object({ from: regionName, to: regionName }, strict), { maxItems: 1024 }) },
  strict,
);

export type Region = Static<typeof REGION_SCHEMA>;
export type Link = Static<typeof LINKS_SCHEMA>['links'][number];

/** All regions, by name, and the links between them. */
export interface Topology {
  regions: Region[];
  links: Link[];
}

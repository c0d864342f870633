/**
 * What a file of `regions/` may say: a schema for a region's file by its engine; links are `links/link-schema.ts`'s.
 * Read by `regions.ts`; the types of the whole platform's topology are inferred from here.
 */
import { type Static, Type } from 'typebox';
import { KAFKA_SETTINGS, type KafkaSettings } from '../kafka/kafka-settings.ts';
import { type LinkSpec, REGION_NAME } from '../links/link-schema.ts';
import type { Schema } from '../schema.ts';

const strict = { additionalProperties: false } as const;
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const host = Type.String({ minLength: 1, maxLength: 253, default: '127.0.0.1' });

const beside = {
  name: Type.String({ pattern: REGION_NAME }),
  id: Type.Integer({ minimum: 1, maximum: 4095, description: 'Permanent, never reused; part of producer ids.' }),
  gateway: Type.Object({ host, port }, strict),
  mirror: Type.Object({ host, managementPort: port }, strict),
};

const EMBEDDED_REGION = Type.Object(
  {
    ...beside,
    engine: Type.Literal('embedded', { description: "Meridian's own brokers." }),
    kafka: Type.Object({ host, port, internalPort: port }, strict),
  },
  strict,
);

const KAFKA_REGION = Type.Object(
  {
    ...beside,
    engine: Type.Literal('kafka', { description: 'An Apache Kafka cluster that is there already.' }),
    kafka: Type.Unsafe<KafkaSettings>(KAFKA_SETTINGS),
  },
  strict,
);

/** Of no engine at all: tells which there are. */
const ANY_REGION = Type.Object({ engine: Type.String({ enum: ['embedded', 'kafka'] }) });

/** Unions are told badly: the engine says first which of the schemas is meant. */
export function regionSchema(file: unknown): Schema {
  const engine = (file as { engine?: unknown } | null)?.engine;
  if (engine === 'kafka') return KAFKA_REGION;
  return engine === 'embedded' || engine === undefined ? EMBEDDED_REGION : ANY_REGION;
}

export type EmbeddedRegion = Static<typeof EMBEDDED_REGION>;
export type KafkaRegion = Static<typeof KAFKA_REGION>;
export type Region = EmbeddedRegion | KafkaRegion;
export type Link = LinkSpec;

/** All regions, by name, and the links between them. */
export interface Topology {
  regions: Region[];
  links: Link[];
}

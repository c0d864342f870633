/**
 * Metadata records about the cluster as a whole: feature levels, blocks of producer ids, and the marks of a metadata
 * transaction (records between Begin and End apply together). Listed by key in `metadata-records.ts`.
 */
import { int8, int16, int32, int64, schema, string } from '../codec/schema.ts';

export const FeatureLevelRecord = schema(
  'FeatureLevelRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { name: string(), featureLevel: int16() },
);

export const ProducerIdsRecord = schema(
  'ProducerIdsRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { brokerId: int32(), brokerEpoch: int64({ default: -1 }), nextProducerId: int64() },
);

export const NoOpRecord = schema('NoOpRecord', { minVersion: 0, maxVersion: 0, flexibleFrom: 0 }, {});

export const BeginTransactionRecord = schema(
  'BeginTransactionRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { name: string({ nullable: true, tag: 0, default: null, ignorable: false }) },
);

export const EndTransactionRecord = schema(
  'EndTransactionRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  {},
);

export const AbortTransactionRecord = schema(
  'AbortTransactionRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { reason: string({ nullable: true, tag: 0, default: null, ignorable: false }) },
);

/** How far a cluster had come from ZooKeeper; logs that began before Apache Kafka 4 have it, and it means nothing since. */
export const ZkMigrationStateRecord = schema(
  'ZkMigrationStateRecord',
  { minVersion: 0, maxVersion: 0, flexibleFrom: 0 },
  { zkMigrationState: int8() },
);

/**
 * KRaft's metadata records, as values of the records of `__cluster_metadata-0`: three unsigned varints (frame version,
 * key, version) and a body. The controller decides and applies in these types. Invariant: bytes of a newer frame version
 * or an unknown key are an error, never skipped, for a replica must not miss a change.
 */
import { decodeMessage, decodeUvarints, encodeMessage } from '../codec/codec.ts';
import type { Decoded, Fields, Input, Schema } from '../codec/schema.ts';
import { ProtocolError } from '../errors.ts';
import {
  BrokerRegistrationChangeRecord,
  FenceBrokerRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
} from './broker-records.ts';
import {
  AbortTransactionRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  NoOpRecord,
  ProducerIdsRecord,
  ZkMigrationStateRecord,
} from './cluster-records.ts';
import {
  AccessControlEntryRecord,
  ClientQuotaRecord,
  DelegationTokenRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from './security-records.ts';
import {
  ClearElrRecord,
  ConfigRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from './topic-records.ts';

const FRAME_VERSION = 1;

/** Record types by name, with Kafka's keys: all that Apache Kafka 4.3 can write or find in an older log. */
export const METADATA_RECORDS = {
  RegisterBrokerRecord: { key: 0, schema: RegisterBrokerRecord },
  UnregisterBrokerRecord: { key: 1, schema: UnregisterBrokerRecord },
  TopicRecord: { key: 2, schema: TopicRecord },
  PartitionRecord: { key: 3, schema: PartitionRecord },
  ConfigRecord: { key: 4, schema: ConfigRecord },
  PartitionChangeRecord: { key: 5, schema: PartitionChangeRecord },
  FenceBrokerRecord: { key: 7, schema: FenceBrokerRecord },
  UnfenceBrokerRecord: { key: 8, schema: UnfenceBrokerRecord },
  RemoveTopicRecord: { key: 9, schema: RemoveTopicRecord },
  DelegationTokenRecord: { key: 10, schema: DelegationTokenRecord },
  UserScramCredentialRecord: { key: 11, schema: UserScramCredentialRecord },
  FeatureLevelRecord: { key: 12, schema: FeatureLevelRecord },
  ClientQuotaRecord: { key: 14, schema: ClientQuotaRecord },
  ProducerIdsRecord: { key: 15, schema: ProducerIdsRecord },
  BrokerRegistrationChangeRecord: { key: 17, schema: BrokerRegistrationChangeRecord },
  AccessControlEntryRecord: { key: 18, schema: AccessControlEntryRecord },
  RemoveAccessControlEntryRecord: { key: 19, schema: RemoveAccessControlEntryRecord },
  NoOpRecord: { key: 20, schema: NoOpRecord },
  ZkMigrationStateRecord: { key: 21, schema: ZkMigrationStateRecord },
  RemoveUserScramCredentialRecord: { key: 22, schema: RemoveUserScramCredentialRecord },
  BeginTransactionRecord: { key: 23, schema: BeginTransactionRecord },
  EndTransactionRecord: { key: 24, schema: EndTransactionRecord },
  AbortTransactionRecord: { key: 25, schema: AbortTransactionRecord },
  RemoveDelegationTokenRecord: { key: 26, schema: RemoveDelegationTokenRecord },
  RegisterControllerRecord: { key: 27, schema: RegisterControllerRecord },
  ClearElrRecord: { key: 28, schema: ClearElrRecord },
} as const;

type Records = typeof METADATA_RECORDS;
export type MetadataRecordType = keyof Records;
type FieldsOf<T extends MetadataRecordType> = Records[T]['schema'] extends Schema<infer F> ? F : never;

/** A record of one type, complete, as it is decoded and applied. */
export type MetadataRecordOf<T extends MetadataRecordType> = { readonly type: T } & Decoded<FieldsOf<T>>;
/** Any record, told apart by `type`. */
export type MetadataRecord = { [T in MetadataRecordType]: MetadataRecordOf<T> }[MetadataRecordType];
/** A record as a decision writes it: fields with defaults may be left out. */
export type MetadataRecordInput = {
  [T in MetadataRecordType]: { readonly type: T } & Input<FieldsOf<T>>;
}[MetadataRecordType];

const TYPES_BY_KEY = new Map<number, MetadataRecordType>(
  Object.entries(METADATA_RECORDS).map(([type, { key }]) => [key, type as MetadataRecordType]),
);

/** The value of a record in the metadata log; in the newest version of its schema unless told otherwise. */
export function encodeMetadataRecord(record: MetadataRecordInput, version?: number): Buffer {
  const { key, schema } = METADATA_RECORDS[record.type];
  const written = version ?? schema.maxVersion;
  return encodeMessage(schema as Schema<Fields>, written, record, [FRAME_VERSION, key, written]);
}

export function decodeMetadataRecord(value: Buffer): MetadataRecord {
  const { values, offset } = decodeUvarints(value, 3, 'MetadataRecord');
  const [frameVersion, key, version] = values as [number, number, number];
  if (frameVersion !== FRAME_VERSION) throw new ProtocolError('unsupported-frame-version', `version ${frameVersion}`);
  const type = TYPES_BY_KEY.get(key);
  if (type === undefined) throw new ProtocolError('unknown-record-type', `key ${key}`);
  const body = decodeMessage(METADATA_RECORDS[type].schema as Schema<Fields>, version, value, offset);
  return { type, ...body } as MetadataRecord;
}

/** The record with all its defaults filled in, exactly as it will be read back. */
export function completeMetadataRecord(record: MetadataRecordInput): MetadataRecord {
  return decodeMetadataRecord(encodeMetadataRecord(record));
}

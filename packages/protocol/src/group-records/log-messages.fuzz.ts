/**
 * Fuzzing of what is read out of logs by a schema: `npm run fuzz -- group-metadata-value`, one unit for each message of
 * `__consumer_offsets`, of control batches and of the metadata log.
 */
import type { Schema } from '../codec/schema.ts';
import { schemaUnit, unitNameOf } from '../codec/schema-unit.ts';
import {
  ControlRecordKey,
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../metadata-records/control-records.ts';
import { METADATA_RECORDS } from '../metadata-records/metadata-records.ts';
import { GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue } from './group-records.ts';

const CONTROL_MESSAGES = [
  ...[ControlRecordKey, EndTxnMarker, KRaftVersionRecord, LeaderChangeMessage, VotersRecord],
  ...[SnapshotHeaderRecord, SnapshotFooterRecord],
];
const schemas: Schema[] = [
  ...[GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue],
  ...CONTROL_MESSAGES,
  ...Object.values(METADATA_RECORDS).map(({ schema }) => schema),
];

export const units = Object.fromEntries(schemas.map((schema) => [unitNameOf(schema.name), schemaUnit(schema)]));

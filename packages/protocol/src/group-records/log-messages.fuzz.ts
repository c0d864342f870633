/**
 * Fuzzing of what is read out of logs by a schema: `npm run fuzz -- group-metadata-value`, one unit for each message of
 * `__consumer_offsets`, of control batches and of the metadata log. The first byte chooses the version. Only ProtocolError
 * may come out, and what is decoded takes no more memory than eight times its bytes.
 */
import { decodeMessage, encodeMessage } from '../codec/codec.ts';
import { type Draw, hostileMessage } from '../codec/hostile-message.ts';
import { sampleOf, VARIANTS } from '../codec/samples.ts';
import type { Schema } from '../codec/schema.ts';
import { ProtocolError } from '../errors.ts';
import { BASE_MEMORY_BYTES } from '../limits.ts';
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

/** One input in so many is long, and full of the smallest elements. */
const FILLED_EVERY = 2_000;
const FILL_BYTES = [40_000, 200_000, 1_100_000];

const CONTROL_MESSAGES = [
  ...[ControlRecordKey, EndTxnMarker, KRaftVersionRecord, LeaderChangeMessage, VotersRecord],
  ...[SnapshotHeaderRecord, SnapshotFooterRecord],
];
const schemas: Schema[] = [
  ...[GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue],
  ...CONTROL_MESSAGES,
  ...Object.values(METADATA_RECORDS).map(({ schema }) => schema),
];

const unitNameOf = ({ name }: Schema): string => name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();

export const units = Object.fromEntries(schemas.map((schema) => [unitNameOf(schema), unitOf(schema)]));

function unitOf(schema: Schema) {
  const { minVersion, maxVersion } = schema;
  const versions = Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);
  const inputOf = (version: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([version - minVersion]), body]);
  const sample = (version: number, variant: (typeof VARIANTS)[number]): Buffer =>
    inputOf(version, encodeMessage(schema, version, sampleOf(schema, version, variant)));
  return {
    baseBytes: BASE_MEMORY_BYTES,
    corpus: () => versions.flatMap((version) => VARIANTS.map((variant) => sample(version, variant))),
    lie(draw: Draw): Buffer {
      const version = versions[draw(versions.length)]!;
      const fillBytes = draw(FILLED_EVERY) === 0 ? FILL_BYTES[draw(FILL_BYTES.length)]! : 0;
      return inputOf(version, hostileMessage(schema, version, draw, fillBytes));
    },
    fuzz(input: Buffer): unknown {
      try {
        const version = versions[(input[0] ?? 0) % versions.length]!;
        return decodeMessage(schema, version, input, Math.min(1, input.length));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return undefined;
      }
    },
  };
}

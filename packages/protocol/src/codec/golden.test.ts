/** Every API in every version, and every record schema, against bytes made by Apache Kafka's own Java classes. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { APIS, decodeRequestHeader } from '../apis/apis.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../group-records/group-records.ts';
import {
  CONTROL_RECORD_TYPE,
  ControlRecordKey,
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../metadata-records/control-records.ts';
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  METADATA_RECORDS,
  type MetadataRecordInput,
  type MetadataRecordType,
} from '../metadata-records/metadata-records.ts';
import { decodeMessage, decodeRequest, decodeResponse, encodeMessage, encodeRequest, encodeResponse } from './codec.ts';
import { sampleOf, VARIANTS, type Variant } from './samples.ts';
import type { Schema } from './schema.ts';

const CORRELATION_ID = 0x01020304;
const CLIENT_ID = 'golden';

interface Golden {
  readonly kind: string;
  readonly name: string;
  readonly version: number;
  readonly variant: Variant;
  readonly bytes: Buffer;
}

function readGolden(file: string): Golden[] {
  const lines = readFileSync(new URL(`../testdata/${file}`, import.meta.url), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseGolden);
}

function parseGolden(line: string): Golden {
  const [kind, name, version, variant, hex] = line.split(' ') as [string, string, string, Variant, string];
  return { kind, name, version: Number(version), variant, bytes: Buffer.from(hex, 'hex') };
}

const byName = (...schemas: readonly unknown[]): Map<string, Schema> =>
  new Map((schemas as Schema[]).map((schema) => [schema.name, schema]));

const SCHEMAS: Record<string, Map<string, Schema>> = {
  control: byName(LeaderChangeMessage, KRaftVersionRecord, VotersRecord, SnapshotHeaderRecord, SnapshotFooterRecord),
  group: byName(OffsetCommitKey, OffsetCommitValue, GroupMetadataKey, GroupMetadataValue),
};

const apis = readGolden('apis.golden.txt');
const recordSchemas = readGolden('records.golden.txt');
const title = (golden: Omit<Golden, 'bytes'>) => `${golden.name} ${golden.kind} v${golden.version} ${golden.variant}`;
const hexOf = (list: Buffer[]) => Buffer.concat(list).subarray(4).toString('hex');

describe('requests are what Kafka writes, and what Kafka writes is read', () => {
  test.each(apis.filter(({ kind }) => kind === 'request').map((golden) => [title(golden), golden] as const))(
    '%s',
    (_title, { name, version, variant, bytes }) => {
      const api = APIS.find((candidate) => candidate.name === name)!;
      const sample = sampleOf(api.request, version, variant);
      const header = { correlationId: CORRELATION_ID, clientId: CLIENT_ID };
      expect(hexOf(encodeRequest(api, version, header, sample))).toBe(bytes.toString('hex'));
      const { bodyOffset, ...read } = decodeRequestHeader(bytes);
      expect(read).toEqual({ ...header, apiKey: api.key, apiVersion: version });
      const decoded = decodeRequest(api, version, bytes, bodyOffset);
      expect(decoded).toMatchObject(sample);
      expect(Object.keys(decoded)).toEqual(Object.keys(api.request.fields));
    },
  );
});

describe('responses are what Kafka writes, and what Kafka writes is read', () => {
  test.each(apis.filter(({ kind }) => kind === 'response').map((golden) => [title(golden), golden] as const))(
    '%s',
    (_title, { name, version, variant, bytes }) => {
      const api = APIS.find((candidate) => candidate.name === name)!;
      const sample = sampleOf(api.response, version, variant);
      expect(hexOf(encodeResponse(api, version, CORRELATION_ID, sample))).toBe(bytes.toString('hex'));
      const { correlationId, body } = decodeResponse(api, version, bytes);
      expect(correlationId).toBe(CORRELATION_ID);
      expect(body).toMatchObject(sample);
    },
  );
});

describe('metadata records are what Kafka writes, and what Kafka writes is read', () => {
  test.each(recordSchemas.filter(({ kind }) => kind === 'metadata').map((golden) => [title(golden), golden] as const))(
    '%s',
    (_title, { name, version, variant, bytes }) => {
      const type = name as MetadataRecordType;
      const sample = { type, ...sampleOf(METADATA_RECORDS[type].schema as Schema, version, variant) };
      expect(encodeMetadataRecord(sample as MetadataRecordInput, version).toString('hex')).toBe(bytes.toString('hex'));
      expect(decodeMetadataRecord(bytes)).toMatchObject(sample);
    },
  );
});

describe.each(['control', 'group'])('%s records are what Kafka writes, and what Kafka writes is read', (recordKind) => {
  test.each(recordSchemas.filter(({ kind }) => kind === recordKind).map((golden) => [title(golden), golden] as const))(
    '%s',
    (_title, { name, version, variant, bytes }) => {
      const schema = SCHEMAS[recordKind]!.get(name)!;
      const sample = sampleOf(schema, version, variant);
      expect(encodeMessage(schema, version, sample).toString('hex')).toBe(bytes.toString('hex'));
      expect(decodeMessage(schema, version, bytes)).toMatchObject(sample);
    },
  );
});

test('every API has golden bytes for each of its versions, both ways', () => {
  const expected = APIS.reduce((count, api) => count + (api.maxVersion - api.minVersion + 1) * 4, 0);
  expect(apis).toHaveLength(expected);
});

test('every type of metadata record has golden bytes for each of its versions', () => {
  const written = recordSchemas.filter(({ kind }) => kind === 'metadata').map(title);
  const expected = Object.values<{ schema: Schema }>(METADATA_RECORDS).flatMap(({ schema }) =>
    Array.from({ length: schema.maxVersion - schema.minVersion + 1 }, (_, i) => i + schema.minVersion).flatMap(
      (version) => VARIANTS.map((variant) => title({ kind: 'metadata', name: schema.name, version, variant })),
    ),
  );
  expect(written).toEqual(expected);
});

test('the marker of a transaction and its key are those of Kafka', () => {
  const { COMMIT } = CONTROL_RECORD_TYPE;
  expect(encodeMessage(ControlRecordKey, 0, { type: COMMIT }).toString('hex')).toBe('00000001');
  expect(encodeMessage(EndTxnMarker, 0, { coordinatorEpoch: 5 }).toString('hex')).toBe('000000000005');
});

/**
 * Fuzzing of the decoders: `npm run fuzz -- codec`. The first byte chooses request, response or metadata record; of what
 * is decoded, the encoding must decode to the same. Invariant: only ProtocolError comes out of a decoder.
 */
import { APIS, apiByKey, decodeRequestHeader } from '../apis/apis.ts';
import { ProtocolError } from '../errors.ts';
import { BASE_MEMORY_BYTES } from '../limits.ts';
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  METADATA_RECORDS,
  type MetadataRecordInput,
  type MetadataRecordType,
} from '../metadata-records/metadata-records.ts';
import { decodeMessage, decodeRequest, encodeMessage, encodeRequest } from './codec.ts';
import { sampleOf, VARIANTS } from './samples.ts';
import type { Schema } from './schema.ts';

const REQUEST = 0;
const RESPONSE = 1;
const RECORD = 2;

/** Short lists are read whatever they take. */
export const baseBytes = BASE_MEMORY_BYTES;

/** Well-formed inputs, to be mutated: every message in every version. */
export function corpus(): Buffer[] {
  const records = Object.keys(METADATA_RECORDS) as MetadataRecordType[];
  return [...APIS.flatMap(apiCorpus), ...records.flatMap(recordCorpus)];
}

function apiCorpus(api: (typeof APIS)[number], index: number): Buffer[] {
  const inputs: Buffer[] = [];
  for (let version = api.minVersion; version <= api.maxVersion; version++) {
    for (const variant of VARIANTS) {
      const header = { correlationId: 1, clientId: 'fuzz' };
      const frame = Buffer.concat(encodeRequest(api, version, header, sampleOf(api.request, version, variant)));
      const response = encodeMessage(api.response, version, sampleOf(api.response, version, variant));
      inputs.push(Buffer.concat([Buffer.from([REQUEST]), frame.subarray(4)]));
      inputs.push(Buffer.concat([Buffer.from([RESPONSE, index, version]), response]));
    }
  }
  return inputs;
}

function recordCorpus(type: MetadataRecordType): Buffer[] {
  const schema: Schema = METADATA_RECORDS[type].schema;
  const inputs: Buffer[] = [];
  for (let version = schema.minVersion; version <= schema.maxVersion; version++) {
    const record = { type, ...sampleOf(schema, version, 'full') } as MetadataRecordInput;
    inputs.push(Buffer.concat([Buffer.from([RECORD]), encodeMetadataRecord(record, version)]));
  }
  return inputs;
}

/** Takes any bytes; throws nothing unless there is a fault. */
export function fuzz(input: Buffer): void {
  try {
    const kind = (input[0] ?? 0) % 3;
    if (kind === REQUEST) fuzzRequest(input.subarray(1));
    else if (kind === RESPONSE) fuzzResponse(input);
    else decodeMetadataRecord(input.subarray(1));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

function fuzzRequest(frame: Buffer): void {
  const { apiKey, apiVersion, bodyOffset } = decodeRequestHeader(frame);
  const api = apiByKey(apiKey);
  if (api === undefined) return;
  checkStable(api.request, apiVersion, decodeRequest(api, apiVersion, frame, bodyOffset));
}

function fuzzResponse(input: Buffer): void {
  const { response } = APIS[(input[1] ?? 0) % APIS.length]!;
  const version = input[2] ?? 0;
  checkStable(response, version, decodeMessage(response, version, input, Math.min(3, input.length)));
}

function checkStable(schema: Schema, version: number, message: Record<string, unknown>): void {
  const bytes = encodeMessage(schema, version, message);
  const again = encodeMessage(schema, version, decodeMessage(schema, version, bytes));
  if (!again.equals(bytes)) throw new Error(`${schema.name} v${version} does not encode to the same bytes twice`);
}

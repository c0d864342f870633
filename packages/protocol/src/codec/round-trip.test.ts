/** What is encoded is decoded as it was: every API in every version with arbitrary messages, private fields among them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { APIS, apiByKey, Fetch, Produce } from '../apis/apis.ts';
import { messageArbitrary } from './arbitraries.ts';
import { decodeMessage, decodeRequest, decodeResponse, encodeMessage, encodeRequest, encodeResponse } from './codec.ts';
import type { Schema } from './schema.ts';

const RUNS = 20;
const RECORDS_FIELDS = ['records', 'unalignedRecords'];
const ORIGIN = '11111111-2222-3333-4444-555555555555';

const schemas = APIS.flatMap((api) => [api.request, api.response]).flatMap((schema) =>
  Array.from({ length: schema.maxVersion - schema.minVersion + 1 }, (_, i) => ({
    schema,
    version: schema.minVersion + i,
  })),
);

/** Many buffers of records are decoded as one. */
function joinRecords(value: unknown): unknown {
  if (!Array.isArray(value)) return isMessage(value) ? joinMembers(value) : value;
  if (value.length > 0 && value.every(Buffer.isBuffer)) return [Buffer.concat(value as Buffer[])];
  return value.map(joinRecords);
}

function isMessage(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}

function joinMembers(message: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name,
      RECORDS_FIELDS.includes(name) && Array.isArray(value) ? [Buffer.concat(value as Buffer[])] : joinRecords(value),
    ]),
  );
}

describe('a message survives encoding and decoding', () => {
  test.each(schemas.map((entry) => [`${entry.schema.name} v${entry.version}`, entry] as const))(
    '%s',
    (_name, entry) => {
      const { schema, version } = entry as { schema: Schema; version: number };
      fc.assert(
        fc.property(messageArbitrary(schema, version), (message) => {
          const bytes = encodeMessage(schema, version, message);
          const decoded = decodeMessage(schema, version, bytes);
          expect(decoded).toMatchObject(joinMembers(message));
          expect(encodeMessage(schema, version, decoded)).toEqual(bytes);
        }),
        { numRuns: RUNS },
      );
    },
  );
});

test('a mirror append carries several batches, the origin and the expected end', () => {
  const records = [Buffer.from('first batch'), Buffer.from('second batch')];
  const mirror = { originTopicId: ORIGIN, expectedEnd: 7_000_000_000, endOffset: -1 };
  const topicData = [{ name: 'eu-west.orders', partitionData: [{ index: 3, records, mirror }] }];
  const body = { acks: -1, timeoutMs: 1_000, topicData };
  const frame = Buffer.concat(encodeRequest(Produce, 12, { correlationId: 1, clientId: null }, body)).subarray(4);
  const decoded = decodeRequest(Produce, 12, frame, 11);
  expect(decoded.topicData[0]?.partitionData[0]).toEqual({ index: 3, records: [Buffer.concat(records)], mirror });
});

test('a mirror append is refused in a version that cannot carry it', () => {
  const mirror = { originTopicId: ORIGIN, expectedEnd: 0 };
  const topicData = [{ name: 't', partitionData: [{ index: 0, records: null, mirror }] }];
  const encode = () =>
    encodeRequest(Produce, 8, { correlationId: 1, clientId: null }, { acks: -1, timeoutMs: 1, topicData });
  expect(encode).toThrow(expect.objectContaining({ code: 'unsupported-field' }));
});

test('private fields of responses are absent unless set, and then as they were', () => {
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 9, abortedTransactions: null, records: null };
  const originEpochs = [
    { epoch: 0, startOffset: 0 },
    { epoch: 4, startOffset: 1_000 },
  ];
  const sizes = [[], originEpochs].map((epochs) => {
    const responses = [{ topicId: ORIGIN, partitions: [{ ...partition, originEpochs: epochs }] }];
    const frame = Buffer.concat(encodeResponse(Fetch, 13, 1, { responses })).subarray(4);
    const { body } = decodeResponse(Fetch, 13, frame);
    expect(body.responses[0]?.partitions[0]?.originEpochs).toEqual(epochs);
    return frame.length;
  });
  // Tag 10000 takes 2 bytes, its size and the count 1 each, an epoch with its tag section 13.
  expect(sizes[1]! - sizes[0]!).toBe(4 + 2 * 13);
});

test('records are referenced, not copied, in the gather list of a response', () => {
  const batches = [Buffer.alloc(10), Buffer.alloc(0), Buffer.alloc(20)];
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 9, abortedTransactions: null };
  const responses = [{ topic: 't', partitions: [{ ...partition, records: batches }] }];
  const list = encodeResponse(Fetch, 11, 1, { responses });
  expect(list).toHaveLength(3);
  expect(list[1]).toBe(batches[0]);
  expect(list[2]).toBe(batches[2]);
  expect(list[0]!.readInt32BE(0)).toBe(Buffer.concat(list).length - 4);
});

test('the null and the empty list of topics are told apart', () => {
  const metadata = apiByKey(3)!.request;
  for (const topics of [null, []]) {
    expect(decodeMessage(metadata, 12, encodeMessage(metadata, 12, { topics }))).toMatchObject({ topics });
  }
});

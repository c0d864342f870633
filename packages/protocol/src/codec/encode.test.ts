/** Encoders: what they refuse, what they fill in, and that the arena survives large, failed and many messages. */
import { describe, expect, test } from 'vitest';
import { ApiVersions, decodeRequestHeader, Fetch } from '../apis/apis.ts';
import { ENCODE_ARENA_BYTES } from '../limits.ts';
import { decodeMessage, decodeRequest, encodeMessage, encodeRequest, encodeResponse } from './codec.ts';
import { array, boolean, bytes, int8, int16, int32, int64, records, schema, string, uint16, uuid } from './schema.ts';
import { ZERO_UUID } from './values.ts';

const VERSIONS = { minVersion: 0, maxVersion: 2, flexibleFrom: 1 };
const scalars = schema('Scalars', VERSIONS, {
  int8: int8({ default: -1 }),
  int16: int16({ default: 2 }),
  int32: int32({ default: 3 }),
  int64: int64({ default: 4 }),
  uint16: uint16({ default: 5 }),
  boolean: boolean({ default: true }),
  string: string({ default: 'x' }),
  nullable: string({ nullable: 1, default: '' }),
  bytes: bytes({ default: Buffer.alloc(0) }),
  uuid: uuid({ default: ZERO_UUID }),
  list: array(int8(), { default: [] }),
  late: string({ since: 2, ignorable: false }),
  hint: string({ since: 2 }),
});
const tagged = schema('Tagged', VERSIONS, { blob: bytes({ tag: 3 }), text: string() });
const data = schema('Data', VERSIONS, { records: records({ nullable: true }) });

const code = (value: string) => expect.objectContaining({ name: 'ProtocolError', code: value });

test('fields left out take their defaults', () => {
  expect(decodeMessage(scalars, 2, encodeMessage(scalars, 2, {}))).toEqual({
    ...{ int8: -1, int16: 2, int32: 3, int64: 4, uint16: 5, boolean: true, string: 'x', nullable: '' },
    ...{ bytes: Buffer.alloc(0), uuid: ZERO_UUID, list: [], late: '', hint: '' },
  });
});

describe('a value that does not fit is refused', () => {
  test.each([
    ['int8', 128],
    ['int8', -129],
    ['int16', 32_768],
    ['int32', 2 ** 31],
    ['int32', 1.5],
    ['int32', Number.NaN],
    ['int32', '7'],
    ['int32', null],
    ['int64', 0.5],
    ['int64', Number.POSITIVE_INFINITY],
    ['int64', '7'],
    ['uint16', -1],
    ['uint16', 65_536],
    ['boolean', 1],
    ['string', 7],
    ['bytes', 'text'],
    ['uuid', 'not-a-uuid'],
    ['uuid', 'AAAAAAAA-0000-0000-0000-000000000000'],
    ['list', {}],
    ['list', [300]],
  ])('%s = %j', (name, value) => {
    expect(() => encodeMessage(scalars, 2, { [name]: value })).toThrow(code('invalid-value'));
  });

  test('an integer beyond ±2^53 and null where the version has no null', () => {
    expect(() => encodeMessage(scalars, 2, { int64: 2 ** 60 })).toThrow(code('unsafe-integer'));
    expect(() => encodeMessage(scalars, 0, { nullable: null })).toThrow(code('null-not-allowed'));
    expect(encodeMessage(scalars, 1, { nullable: null }).length).toBeGreaterThan(0);
  });

  test('a field that this version lacks, unless it may be dropped', () => {
    expect(() => encodeMessage(scalars, 1, { late: 'a' })).toThrow(code('unsupported-field'));
    expect(encodeMessage(scalars, 1, { late: '', hint: 'a' })).toEqual(encodeMessage(scalars, 1, {}));
  });
});

test.each([0, 1, 127, 128, 16_383, 16_384, 100_000, 2_097_152])(
  'a tagged field of %i bytes has its size before it',
  (size) => {
    const message = { text: 'tail', blob: Buffer.alloc(size, 7) };
    for (let i = 0; i < 3; i++) expect(decodeMessage(tagged, 1, encodeMessage(tagged, 1, message))).toEqual(message);
  },
);

test('a message larger than the arena is whole, and earlier messages stay as they were', () => {
  const small = encodeMessage(tagged, 0, { text: 'small' });
  const before = Buffer.from(small);
  const large = { text: 't', blob: Buffer.alloc(ENCODE_ARENA_BYTES * 3, 9) };
  expect(decodeMessage(tagged, 1, encodeMessage(tagged, 1, large))).toEqual(large);
  for (let i = 0; i < ENCODE_ARENA_BYTES / 8; i++) encodeMessage(tagged, 0, { text: `message ${i}` });
  expect(small).toEqual(before);
});

test('a message that fails half-way leaves nothing behind', () => {
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null };
  const bad = [
    { ...partition, records: [Buffer.from('lost')] },
    { ...partition, highWatermark: 0.5, records: null },
  ];
  expect(() => encodeResponse(Fetch, 11, 1, { responses: [{ topic: 't', partitions: bad }] })).toThrow(
    code('invalid-value'),
  );
  const list = encodeResponse(ApiVersions, 0, 5, { errorCode: 35, apiKeys: [] });
  expect(Buffer.concat(list).toString('hex')).toBe('0000000a00000005002300000000');
});

test('records are cut in where they belong although the arena is left in between', () => {
  const batch = Buffer.alloc(100, 1);
  const partitions = Array.from({ length: 3_000 }, (_, partitionIndex) => ({
    ...{ partitionIndex, errorCode: 0, highWatermark: 1, abortedTransactions: null, records: [batch] },
  }));
  const list = encodeResponse(Fetch, 12, 9, { responses: [{ topic: 'orders', partitions }] });
  expect(list.filter((buffer) => buffer === batch)).toHaveLength(3_000);
  const frame = Buffer.concat(list);
  expect(frame.readInt32BE(0)).toBe(frame.length - 4);
  const decoded = decodeMessage(Fetch.response, 12, frame, 9);
  expect(decoded.responses[0]?.partitions).toHaveLength(3_000);
  expect(decoded.responses[0]?.partitions.every(({ records: read }) => read?.[0]?.equals(batch))).toBe(true);
});

test('null records and no records are told apart', () => {
  for (const version of [0, 1]) {
    expect(decodeMessage(data, version, encodeMessage(data, version, { records: null }))).toEqual({ records: null });
    const empty = { records: [Buffer.alloc(0)] };
    expect(decodeMessage(data, version, encodeMessage(data, version, { records: [] }))).toEqual(empty);
  }
});

test('the answer to ApiVersions has no tag section in its header, in any version', () => {
  for (const version of [0, 3, 4]) {
    const frame = Buffer.concat(encodeResponse(ApiVersions, version, 5, { errorCode: 0, apiKeys: [] }));
    expect(frame.subarray(4, 10).toString('hex')).toBe('000000050000');
  }
});

test('a client id of any length stands in the header', () => {
  for (const clientId of [null, '', 'é'.repeat(100), 'c'.repeat(32_767)]) {
    const list = encodeRequest(ApiVersions, 4, { correlationId: 3, clientId }, { clientSoftwareName: 'meridian' });
    const frame = Buffer.concat(list).subarray(4);
    const header = decodeRequestHeader(frame);
    expect(header.clientId).toBe(clientId);
    expect(decodeRequest(ApiVersions, 4, frame, header.bodyOffset).clientSoftwareName).toBe('meridian');
  }
});

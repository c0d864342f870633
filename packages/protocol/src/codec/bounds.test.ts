/** Decoders against lies: lengths, counts, varints and tags that do not hold, and messages that want too much memory. */
import { describe, expect, test } from 'vitest';
import { APIS, ApiVersions, decodeRequestHeader, Fetch, Produce } from '../apis/apis.ts';
import { ProtocolError } from '../errors.ts';
import { GroupMetadataValue } from '../group-records/group-records.ts';
import { MAX_TAGGED_FIELDS } from '../limits.ts';
import { decodeMessage, decodeRequest, decodeResponse, encodeMessage } from './codec.ts';
import { sampleOf } from './samples.ts';
import { array, bytes, int8, int32, int64, type Schema, schema, string, struct } from './schema.ts';
import { NO_LIMIT } from './values.ts';

const VERSIONS = { minVersion: 0, maxVersion: 1, flexibleFrom: 1 };
const names = schema('Names', VERSIONS, { names: array({ name: string() }) });
const numbers = schema('Numbers', VERSIONS, { numbers: array(int32()) });
const text = schema('Text', VERSIONS, { text: string() });
const blob = schema('Blob', VERSIONS, { blob: bytes({ nullable: true }) });
const wide = schema('Wide', VERSIONS, { wide: int64() });
const tagged = schema('Tagged', VERSIONS, { a: int8({ tag: 0 }), b: string({ tag: 5 }) });
const optional = schema('Optional', VERSIONS, { optional: struct({ a: int8() }, { nullable: true }) });

const hex = (value: string) => Buffer.from(value.replaceAll(' ', ''), 'hex');
const code = (value: string) => expect.objectContaining({ name: 'ProtocolError', code: value });

const all = APIS.flatMap((api) => [api.request, api.response]);

describe('a message cut off at any byte is refused, and a response with a byte too many', () => {
  test.each(all.map((each) => [each.name, each] as const))('%s', (_name, each: Schema) => {
    for (let version = each.minVersion; version <= each.maxVersion; version++) {
      const whole = encodeMessage(each, version, sampleOf(each, version, 'full'));
      for (let length = 0; length < whole.length; length++) {
        expect(() => decodeMessage(each, version, whole.subarray(0, length))).toThrow(ProtocolError);
      }
      const longer = Buffer.concat([whole, Buffer.alloc(1)]);
      if (each.ignoresTrailingBytes)
        expect(decodeMessage(each, version, longer)).toEqual(decodeMessage(each, version, whole));
      else expect(() => decodeMessage(each, version, longer)).toThrow(code('trailing-bytes'));
    }
  });
});

test('a message with any single byte changed is decoded or refused, never anything else', () => {
  for (const each of all) {
    const whole = encodeMessage(each, each.maxVersion, sampleOf(each, each.maxVersion, 'full'));
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        expectProtocolErrorsOnly(() => decodeMessage(each, each.maxVersion, changed));
      }
    }
  }
});

function expectProtocolErrorsOnly(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
}

test.each([
  ['an array of 2^31−1', numbers, 0, '7fffffff 00000001', 'truncated'],
  ['an array of −2', numbers, 0, 'fffffffe', 'negative-length'],
  ['a null array', numbers, 0, 'ffffffff', 'null-not-allowed'],
  ['a compact null array', numbers, 1, '00 00', 'null-not-allowed'],
  ['a compact array of 2^32−2', numbers, 1, 'ffffffff0f 00', 'truncated'],
  ['a string longer than the rest', text, 0, '0005 6162', 'truncated'],
  ['a string of −2', text, 0, 'fffe', 'negative-length'],
  ['a compact string longer than the rest', text, 1, '06 6162 00', 'truncated'],
  ['bytes of 2^31−1', blob, 0, '7fffffff', 'truncated'],
  ['a length varint of ten bytes', text, 1, 'ffffffffffffffffff01', 'varint-too-long'],
  ['a length varint of five bytes that is beyond 32 bits', text, 1, 'ffffffff1f', 'varint-too-long'],
  ['a varint that does not end', text, 1, 'ffff', 'truncated'],
  ['a presence marker that is neither', optional, 0, '02 00', 'invalid-marker'],
])('%s is refused before anything is allocated', (_name, each, version, body, expected) => {
  expect(() => decodeMessage(each as Schema, version, hex(body))).toThrow(code(expected));
});

test('a compact string over 32767 bytes is refused both ways', () => {
  const long = Buffer.concat([hex('818002'), Buffer.alloc(32_768, 0x61), hex('00')]);
  expect(() => decodeMessage(text, 1, long)).toThrow(code('string-too-long'));
  for (const version of [0, 1]) {
    expect(() => encodeMessage(text, version, { text: 'a'.repeat(32_768) })).toThrow(code('string-too-long'));
    expect(() => encodeMessage(text, version, { text: '€'.repeat(10_923) })).toThrow(code('string-too-long'));
    const longest = { text: 'a'.repeat(32_767) };
    expect(decodeMessage(text, version, encodeMessage(text, version, longest))).toEqual(longest);
  }
});

test('a megabyte of the smallest elements is refused, for it would become a hundred times as much', () => {
  const count = 500_000;
  const body = Buffer.concat([hex('a1c21e'), Buffer.alloc(count * 2, hex('0100')), hex('00')]);
  expect(() => decodeMessage(names, 1, body)).toThrow(code('too-many-objects'));
});

test('a megabyte of group members with a byte in each field is refused, and one of ordinary members is not', () => {
  const bytesOf = (member: object, count: number): Buffer => {
    const head = { protocolType: 'consumer', generation: 1, protocol: null, leader: null, currentStateTimestamp: 1 };
    return encodeMessage(GroupMetadataValue, 3, { ...head, members: Array(count).fill(member) as never[] });
  };
  const tiny = { memberId: 'm', clientId: 'c', clientHost: 'h', rebalanceTimeout: 1, sessionTimeout: 1 };
  const hostile = { ...tiny, subscription: Buffer.alloc(1), assignment: Buffer.alloc(1) };
  expect(() => decodeMessage(GroupMetadataValue, 3, bytesOf(hostile, 40_000))).toThrow(code('too-many-objects'));
  const named = { ...tiny, memberId: 'consumer-1-0123456789', clientId: 'consumer-1', clientHost: '/127.0.0.1' };
  const ordinary = { ...named, subscription: Buffer.alloc(30), assignment: Buffer.alloc(20) };
  expect(decodeMessage(GroupMetadataValue, 3, bytesOf(ordinary, 10_000)).members).toHaveLength(10_000);
});

test('large lists of ordinary size are let through', () => {
  const many = { names: Array.from({ length: 20_000 }, (_, i) => ({ name: `topic-${i}` })) };
  expect(decodeMessage(names, 1, encodeMessage(names, 1, many))).toEqual(many);
  const ids = { numbers: Array.from({ length: 1_000_000 }, (_, i) => i) };
  expect(decodeMessage(numbers, 1, encodeMessage(numbers, 1, ids))).toEqual(ids);
});

describe('tagged fields', () => {
  test.each([
    ['repeated', '02 00 01 07 00 01 07', 'tag-order'],
    ['in descending order', '02 05 02 0261 00 01 07', 'tag-order'],
    ['unknown and repeated', '02 09 00 09 00', 'tag-order'],
    ['longer than declared', '01 00 00 07', 'truncated'],
    ['shorter than declared', '01 00 02 07 07', 'tag-size'],
    ['longer than the rest', '01 09 05 07', 'truncated'],
    ['of 4 GB', '01 09 ffffffff0f 07', 'truncated'],
    ['fewer than announced', '02 00 01 07', 'truncated'],
    ['with a number of ten bytes', '01 ffffffffffffffffff01 00', 'varint-too-long'],
    ['2^32−1 of them', 'ffffffff0f', 'too-many-tags'],
    ['with a string that leaves its field', '02 05 02 0561 09 04 61616161', 'truncated'],
  ])('%s are refused', (_name, body, expected) => {
    expect(() => decodeMessage(tagged, 1, hex(body))).toThrow(code(expected));
  });

  test('unknown ones are skipped, before, between and behind the known', () => {
    const body = hex('05 00 01 07 03 02 ffff 05 02 0261 06 00 ffffffff0f 01 00');
    expect(decodeMessage(tagged, 1, body)).toEqual({ a: 7, b: 'a' });
  });

  test('as many as the limit are read, and one more is refused, where none is known, too', () => {
    const section = (count: number) =>
      Buffer.from([count, ...Array.from({ length: count }, (_, i) => [i + 10, 0]).flat()]);
    expect(decodeMessage(tagged, 1, section(MAX_TAGGED_FIELDS))).toEqual({ a: 0, b: '' });
    expect(() => decodeMessage(tagged, 1, section(MAX_TAGGED_FIELDS + 1))).toThrow(code('too-many-tags'));
    const plain = (count: number) => Buffer.concat([Buffer.alloc(8), section(count)]);
    expect(decodeMessage(wide, 1, plain(MAX_TAGGED_FIELDS))).toEqual({ wide: 0 });
    expect(() => decodeMessage(wide, 1, plain(MAX_TAGGED_FIELDS + 1))).toThrow(code('too-many-tags'));
  });
});

describe('64-bit integers', () => {
  test.each([
    ['2^53−1', '001fffffffffffff', 2 ** 53 - 1],
    ['−2^53', 'ffe0000000000000', -(2 ** 53)],
    ['−1', 'ffffffffffffffff', -1],
    ['2^63−1, which means no limit', '7fffffffffffffff', NO_LIMIT],
  ])('%s is read and written exactly', (_name, body, value) => {
    expect(decodeMessage(wide, 0, hex(body))).toEqual({ wide: value });
    expect(encodeMessage(wide, 0, { wide: value }).toString('hex')).toBe(body);
  });

  test.each([
    ['2^53', '0020000000000000'],
    ['2^53+1', '0020000000000001'],
    ['−2^53−1', 'ffdfffffffffffff'],
    ['2^63−2', '7ffffffffffffffe'],
    ['−2^63', '8000000000000000'],
  ])('%s is refused rather than rounded', (_name, body) => {
    expect(() => decodeMessage(wide, 0, hex(body))).toThrow(code('unsafe-integer'));
  });
});

describe('frames', () => {
  test.each([
    ['is empty', '', 'truncated'],
    ['ends in the header', '0001 000c 00000001', 'truncated'],
    ['ends in the client id', '0001 000c 00000001 0005 6161', 'truncated'],
    ['has a client id of −2', '0001 000c 00000001 fffe', 'negative-length'],
    ['has no tag section in a flexible header', '0001 000c 00000001 ffff', 'truncated'],
  ])('a request that %s is refused', (_name, frame, expected) => {
    expect(() => decodeRequestHeader(hex(frame))).toThrow(code(expected));
  });

  test('the header of an unknown api or version is still read, so that it can be answered or logged', () => {
    expect(decodeRequestHeader(hex('7fff 0000 00000007 0001 61'))).toMatchObject({ apiKey: 0x7fff, correlationId: 7 });
    const future = decodeRequestHeader(hex('0012 0063 00000008 ffff 00 aabb'));
    expect(future).toMatchObject({ apiKey: ApiVersions.key, apiVersion: 99, correlationId: 8, clientId: null });
  });

  test('a version that is not spoken is refused', () => {
    for (const version of [-1, 3, 19, 1.5, Number.NaN]) {
      expect(() => decodeRequest(Fetch, version, hex('00'), 0)).toThrow(code('unsupported-version'));
      expect(() => decodeResponse(Fetch, version, hex('00000000'))).toThrow(code('unsupported-version'));
    }
    expect(() => decodeResponse(Fetch, 4, hex('0000'))).toThrow(code('truncated'));
  });
});

test('records without bytes take the memory of a list, and are refused where there are too many of them', () => {
  const partitionData = Array.from({ length: 100_000 }, (_, index) => ({ index, records: [] }));
  const body = { acks: 1, timeoutMs: 1, topicData: [{ name: 'orders', partitionData }] };
  const message = encodeMessage(Produce.request, 8, body as never);
  expect(() => decodeMessage(Produce.request, 8, message)).toThrow(code('too-many-objects'));
  const few = { ...body, topicData: [{ name: 'orders', partitionData: partitionData.slice(0, 2_000) }] };
  decodeMessage(Produce.request, 8, encodeMessage(Produce.request, 8, few as never));
});

/** MirrorMaker 2's records, against bytes made by its own classes, and against bytes that nobody makes. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts';
import { checkpointsTopic, isMm2Internal, offsetSyncsTopic } from './mm2-topics.ts';
import { decodeOffsetSync, encodeOffsetSync } from './offset-sync.ts';
import type { KeyValue } from './struct-bytes.ts';

const CODECS = {
  heartbeat: { encode: encodeHeartbeat, decode: decodeHeartbeat },
  checkpoint: { encode: encodeCheckpoint, decode: decodeCheckpoint },
  'offset-sync': { encode: encodeOffsetSync, decode: decodeOffsetSync },
} as Record<string, { encode(message: unknown): KeyValue; decode(stored: KeyValue): unknown }>;

/** `kind json key value`; the JSON has no blanks. */
const golden = readFileSync(new URL('./testdata/mm2-records.golden.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [string, string, string, string]);

test.each(golden)('a %s %s is what Apache Kafka writes, and what it writes is read', (kind, json, key, value) => {
  const message: unknown = JSON.parse(json);
  const { encode, decode } = CODECS[kind]!;
  const encoded = encode(message);
  expect([encoded.key.toString('hex'), encoded.value.toString('hex')]).toEqual([key, value]);
  expect(decode(encoded)).toEqual(message);
});

test('every kind of record has golden bytes', () => {
  expect(new Set(golden.map(([kind]) => kind))).toEqual(new Set(Object.keys(CODECS)));
});

describe.each(Object.keys(CODECS))('a %s', (kind) => {
  const { decode } = CODECS[kind]!;
  const [, , keyHex, valueHex] = golden.find(([of]) => of === kind)!;
  const key = Buffer.from(keyHex, 'hex');
  const value = Buffer.from(valueHex, 'hex');

  test('that is cut short anywhere is none', () => {
    for (let end = 0; end < key.length; end++) expect(decode({ key: key.subarray(0, end), value })).toBeUndefined();
    for (let end = 0; end < value.length; end++) expect(decode({ key, value: value.subarray(0, end) })).toBeUndefined();
  });

  test('that has been deleted, or has no key, is none', () => {
    expect(decode({ key, value: null } as never)).toBeUndefined();
    expect(decode({ key: null, value } as never)).toBeUndefined();
  });

  test('of arbitrary bytes is read or refused, and never throws', () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((each) => Buffer.from(each));
    fc.assert(fc.property(bytes, bytes, (anyKey, anyValue) => void decode({ key: anyKey, value: anyValue })));
  });
});

test('a version that we do not know is not guessed at', () => {
  const { key, value } = encodeHeartbeat({ sourceAlias: 'a', targetAlias: 'b', timestampMs: 1 });
  value.writeInt16BE(1, 0);
  expect(decodeHeartbeat({ key, value })).toBeUndefined();
});

test('an offset that a number cannot hold exactly is refused both ways', () => {
  const sync = { topic: 't', partition: 0, upstreamOffset: 2 ** 53, downstreamOffset: 0 };
  expect(() => encodeOffsetSync(sync)).toThrow(RangeError);
  const { key, value } = encodeOffsetSync({ ...sync, upstreamOffset: 0 });
  value.writeBigInt64BE(2n ** 53n, 0);
  expect(decodeOffsetSync({ key, value })).toBeUndefined();
});

test('topics are called as the default policy calls them, and are known by it', () => {
  expect([checkpointsTopic('us-east'), offsetSyncsTopic('eu-west')]).toEqual([
    'us-east.checkpoints.internal',
    'mm2-offset-syncs.eu-west.internal',
  ]);
  expect(
    [checkpointsTopic('a'), offsetSyncsTopic('a'), '__consumer_offsets', 'connect-internal'].every(isMm2Internal),
  ).toBe(true);
  expect(['heartbeats', 'a.heartbeats', 'orders.internally'].some(isMm2Internal)).toBe(false);
});

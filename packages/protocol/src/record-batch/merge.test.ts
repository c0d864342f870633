/** Merged batches beside the reader, which knows nothing of merging. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compress, decompress } from '../compression/compression.ts';
import { BATCH_HEADER_BYTES, CODECS, type Codec, readBatchHeader } from './header.ts';
import {
  batchCrcValid,
  crc32c,
  mergeBatches,
  readRecords,
  stampBaseOffset,
  stampLogAppendTime,
  writeBatch,
} from './record-batch.ts';

interface Wanted {
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: { key: string; value: Uint8Array | null }[];
}

const BASE_MS = 1_700_000_000_000;
const content = fc.option(fc.uint8Array({ maxLength: 90 }), { nil: null });
const delta = fc.oneof(
  fc.integer({ min: -2, max: 70 }),
  fc.integer({ min: -9_000, max: 9_000 }),
  fc.constantFrom(-BASE_MS - 1, 2 ** 20, 2 ** 21, -(2 ** 28), 2 ** 28, 2 ** 31, 2 ** 41),
);
const record: fc.Arbitrary<Wanted> = fc.record({
  timestamp: delta.map((ms) => BASE_MS + ms),
  key: content,
  value: content,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: content }), { maxLength: 2 }),
});
const many = fc.tuple(record, fc.integer({ min: 1, max: 200 })).map(([one, count]) => Array<Wanted>(count).fill(one));
const part = fc.oneof(
  { weight: 4, arbitrary: fc.array(record, { minLength: 1, maxLength: 12 }) },
  { arbitrary: many, weight: 1 },
);

/** One batch behind the other, from the offset on. */
function batchesFrom(offset: number, groups: readonly (readonly Wanted[])[]): Uint8Array[] {
  let baseOffset = offset;
  return groups.map((records, index) => {
    const batch = writeBatch({
      records,
      baseOffset,
      leaderEpoch: 3,
      producerId: index,
      producerEpoch: 0,
      baseSequence: 7,
    });
    baseOffset += records.length;
    return batch;
  });
}

const GUARD_BYTES = 40;

function merged(parts: readonly Uint8Array[], outBytes = 300_000) {
  const memory = new Uint8Array(outBytes + GUARD_BYTES).fill(0xdb);
  const { parts: count, bytes: batch } = mergeBatches(parts, memory.subarray(0, outBytes), { crc: crc32c });
  return { count, batch, behind: memory.subarray(outBytes) };
}
const recordsOf = (batch: Uint8Array) => [...readRecords(batch)];

test('a merged batch holds the records of its parts at their offsets, whatever they are', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 2, maxLength: 8 }),
      fc.integer({ min: 0, max: 2 ** 40 }),
      (groups, offset) => {
        const parts = batchesFrom(offset, groups);
        const { count, batch } = merged(parts);
        expect(count).toBe(parts.length);
        expect(recordsOf(batch)).toEqual(parts.flatMap(recordsOf));
        expect(batchCrcValid(batch, crc32c)).toBe(true);
        const timestamps = groups.flat().map(({ timestamp }) => timestamp);
        expect(readBatchHeader(batch)).toMatchObject({
          ...{ baseOffset: offset, partitionLeaderEpoch: 3, recordCount: timestamps.length, attributes: 0 },
          ...{
            baseTimestamp: timestamps[0],
            maxTimestamp: Math.max(...timestamps),
            lastOffsetDelta: timestamps.length - 1,
          },
          ...{ producerId: -1, producerEpoch: -1, baseSequence: -1 },
        });
      },
    ),
    { numRuns: 60 },
  );
});

test('it is what a producer would have written: no byte longer than the same records in one batch', () => {
  const groups = [
    [150, 3],
    [90, 0],
  ].map(([count, ms]) =>
    Array.from({ length: count! }, (_, at) => ({
      timestamp: BASE_MS + ms! + (at % 70),
      value: new Uint8Array(at % 80),
    })),
  );
  const { batch } = merged(batchesFrom(5, groups as unknown as Wanted[][]));
  const together = writeBatch({ records: groups.flat(), baseOffset: 5, leaderEpoch: 3 });
  expect(batch).toEqual(together);
});

test('it ends with the last part that fits, and writes nothing behind its bounds', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 2, maxLength: 8 }),
      fc.integer({ min: BATCH_HEADER_BYTES, max: 6_000 }),
      (groups, outBytes) => {
        const parts = batchesFrom(9, groups);
        const { count, batch, behind } = merged(parts, outBytes);
        expect(new Set(behind)).toEqual(new Set([0xdb]));
        if (count >= 2) expect(recordsOf(batch)).toEqual(parts.slice(0, count).flatMap(recordsOf));
        else expect(batch).toHaveLength(0);
      },
    ),
  );
});

test('it ends before a part that leaves a hole, lacks a record, is damaged, compressed, a marker or of append time', () => {
  const one = { timestamp: BASE_MS, value: new Uint8Array(10) };
  const [a, b] = batchesFrom(
    0,
    [
      [one, one],
      [one, one],
    ].map((group) => group.map((each) => ({ ...each, key: null, headers: [] }))),
  );
  const made = (more: object) => writeBatch({ records: [one, one], baseOffset: 2, ...more });
  const damaged = b!.slice();
  damaged[damaged.length - 3]! ^= 1;
  const elsewhere = b!.slice();
  stampBaseOffset(elsewhere, 0, 3);
  const gzip = made({ codec: 'gzip', compress: (_: string, bytes: Uint8Array) => bytes });
  const appended = made({});
  stampLogAppendTime(appended, 0, BASE_MS, crc32c);
  const cut = b!.subarray(0, 70);
  for (const odd of [made({ lastOffsetDelta: 4 }), damaged, gzip, made({ control: true }), appended, cut]) {
    expect(merged([a!, odd]).count).toBe(1);
    expect(merged([odd, a!]).count).toBe(0);
  }
  expect(merged([a!, elsewhere]).count).toBe(1);
  expect(merged([a!, b!]).count).toBe(2);
});

test('compressed parts of one codec become one of it, as far as they fit unpacked', () => {
  const ofCodec = (codec: Codec, baseOffset: number, values: readonly string[]) =>
    writeBatch({
      records: values.map((value) => ({ timestamp: BASE_MS + baseOffset, value: Buffer.from(value.repeat(40)) })),
      ...{ codec, compress, baseOffset },
    });
  const recordsIn = (batches: readonly Uint8Array[]) =>
    batches.flatMap((each) => [...readRecords(each, { decompress })]);
  for (const codec of CODECS) {
    const parts = [ofCodec(codec, 3, ['a', 'b']), ofCodec(codec, 5, ['c']), ofCodec(codec, 6, ['d', 'e', 'f'])];
    const merge = (all: Uint8Array[], bytes: number) =>
      mergeBatches(all, new Uint8Array(bytes), { crc: crc32c, compress, decompress });
    const { parts: count, bytes } = merge(parts, 1_000);
    expect(count).toBe(3);
    expect(recordsIn([bytes])).toEqual(recordsIn(parts));
    expect(readBatchHeader(bytes)).toMatchObject({ codec, baseOffset: 3, recordCount: 6, maxTimestamp: BASE_MS + 6 });
    expect(batchCrcValid(bytes, crc32c)).toBe(true);
    const two = merge(parts, 61 + 160);
    expect([two.parts, recordsIn([two.bytes])]).toEqual([2, recordsIn(parts.slice(0, 2))]);
    expect(merge([parts[0]!, ofCodec(codec === 'lz4' ? 'none' : 'lz4', 5, ['c'])], 1_000).parts).toBe(1);
    if (codec !== 'none') expect(merged(parts).count).toBe(0);
  }
});

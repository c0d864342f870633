import { expect, test } from 'vitest';
import { nativeCrc32c } from '../native-crc32c.ts';
import {
  batchCrcValid,
  crc32c,
  emptyBatch,
  iterateBatches,
  murmur2,
  partitionForKey,
  readBatchHeader,
  readRecords,
  stampBaseOffset,
  stampLeaderEpoch,
  stampLogAppendTime,
  validateRecords,
  writeBatch,
} from './record-batch.ts';

const text = (value: string) => new TextEncoder().encode(value);
const batch = () =>
  writeBatch({
    baseOffset: 40,
    leaderEpoch: 3,
    producerId: 2 ** 40 + 7,
    producerEpoch: 2,
    baseSequence: 11,
    records: [
      { timestamp: 1_700_000_000_000, key: text('a'), value: text('one') },
      { timestamp: 1_600_000_000_000, key: null, value: null, headers: [{ key: 'h', value: null }] },
      { timestamp: 1_700_000_000_500, key: text(''), value: text('x'.repeat(300)) },
    ],
  });

test('a batch that was written reads back as the same records and header', () => {
  const bytes = batch();
  const header = readBatchHeader(bytes);
  expect(header).toMatchObject({ baseOffset: 40, lastOffset: 42, nextOffset: 43, recordCount: 3, codec: 'none' });
  expect(header).toMatchObject({
    producerId: 2 ** 40 + 7,
    producerEpoch: 2,
    baseSequence: 11,
    partitionLeaderEpoch: 3,
  });
  expect(header.maxTimestamp).toBe(1_700_000_000_500);
  expect(batchCrcValid(bytes, crc32c)).toBe(true);
  const records = [...readRecords(bytes)];
  expect(records.map((record) => record.offset)).toEqual([40, 41, 42]);
  expect(records.map((record) => record.timestamp)).toEqual([1_700_000_000_000, 1_600_000_000_000, 1_700_000_000_500]);
  expect(records[1]).toMatchObject({ key: null, value: null, headers: [{ key: 'h', value: null }] });
  expect(records[2]!.key).toHaveLength(0);
  expect(validateRecords(bytes, { offsets: 'dense' })).toMatchObject({
    minTimestamp: 1_600_000_000_000,
    maxTimestamp: 1_700_000_000_500,
    maxTimestampDelta: 2,
  });
});

test('base offset and leader epoch are outside the CRC, the timestamp type is inside', () => {
  const bytes = batch();
  stampBaseOffset(bytes, 0, 2 ** 52);
  stampLeaderEpoch(bytes, 0, 9);
  expect(batchCrcValid(bytes, nativeCrc32c)).toBe(true);
  expect(readBatchHeader(bytes)).toMatchObject({ baseOffset: 2 ** 52, partitionLeaderEpoch: 9 });
  stampLogAppendTime(bytes, 0, 1_800_000_000_000, nativeCrc32c);
  expect(batchCrcValid(bytes, crc32c)).toBe(true);
  expect([...readRecords(bytes)].map((record) => record.timestamp)).toEqual(Array(3).fill(1_800_000_000_000));
});

test('an empty batch covers its offsets without a record', () => {
  const bytes = emptyBatch({ baseOffset: 100, lastOffset: 250 });
  expect(readBatchHeader(bytes)).toMatchObject({ lastOffset: 250, recordCount: 0, sizeInBytes: 61 });
  expect([...readRecords(bytes)]).toEqual([]);
  expect(() => emptyBatch({ baseOffset: 0, lastOffset: 2 ** 31 })).toThrow('an empty batch over');
});

test('batches one behind another are walked, and a cut-off last one is told apart', () => {
  const one = batch();
  const bytes = Buffer.concat([one, one, one.subarray(0, 70)]);
  expect([...iterateBatches(bytes, 'partial')].map((view) => view.at)).toEqual([0, one.length]);
  expect(() => [...iterateBatches(bytes)]).toThrow(expect.objectContaining({ code: 'truncated' }));
});

test('crc32c gives the published check value, in plain and in native form, for every alignment', () => {
  expect(crc32c(text('123456789'))).toBe(0xe3069283);
  const bytes = Uint8Array.from({ length: 100 }, (_, at) => (at * 89) & 0xff);
  for (let from = 0; from < 20; from++) expect(crc32c(bytes, from, 90)).toBe(nativeCrc32c(bytes, from, 90));
});

test('keys go to the partitions that Java clients choose', () => {
  const known = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536, abc: 479470107 };
  for (const [key, hash] of Object.entries(known)) expect(murmur2(text(key))).toBe(hash);
  expect(partitionForKey(text('foobar'), 6)).toBe((-790332482 & 0x7fffffff) % 6);
});

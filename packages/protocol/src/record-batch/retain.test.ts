/** What compaction may do to a batch, against a list of records that is filtered the plain way. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compress, decompress } from '../compression/compression.ts';
import { nativeCrc32c } from '../native-crc32c.ts';
import {
  batchCrcValid,
  type Codec,
  deleteHorizonMs,
  emptiedBatch,
  type NewRecord,
  readBatchHeader,
  readRecords,
  retainRecords,
  rewriteBatch,
  validateRecords,
  writeBatch,
} from './record-batch.ts';

const BASE_OFFSET = 2 ** 40;
const FIRST_TIMESTAMP = 1_700_000_000_000;
const field = fc.option(fc.uint8Array({ maxLength: 200 }), { freq: 4, nil: null });
const record = fc.record({
  timestamp: fc.integer({ min: FIRST_TIMESTAMP - 2 ** 35, max: FIRST_TIMESTAMP + 2 ** 35 }),
  key: field,
  value: field,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: field }), { maxLength: 2 }),
});
const batches = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 30 }),
  codec: fc.constantFrom<Codec>('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  kept: fc.infiniteStream(fc.boolean()),
  horizonMs: fc.option(fc.integer({ min: FIRST_TIMESTAMP, max: FIRST_TIMESTAMP + 2 ** 40 }), { nil: undefined }),
});

function batchOf(records: readonly NewRecord[], codec: Codec): Uint8Array {
  const producer = { producerId: 9, producerEpoch: 1, baseSequence: 5, leaderEpoch: 3 };
  return writeBatch({ baseOffset: BASE_OFFSET, records, codec, compress, ...producer });
}

test('the records that stay are the same to a reader, in a batch that covers the same offsets', () => {
  fc.assert(
    fc.property(batches, ({ records, codec, kept, horizonMs }) => {
      const bytes = batchOf(records, codec);
      const header = readBatchHeader(bytes);
      const stays = records.map(() => kept.next().value as boolean);
      const expected = [...readRecords(bytes, { decompress })].filter((_, index) => stays[index]);
      const retained = retainRecords(bytes, header, (offset) => stays[offset - BASE_OFFSET]!, { decompress });
      expect(retained.recordCount).toBe(expected.length);
      expect(retained.hasTombstones).toBe(expected.some(({ value }) => value === null));
      if (expected.length === 0) return;
      const after = rewriteBatch(bytes, header, retained, { deleteHorizonMs: horizonMs, compress, crc: nativeCrc32c });
      expect([...readRecords(after, { decompress })]).toEqual(expected);
      expect(batchCrcValid(after, nativeCrc32c)).toBe(true);
      const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, partitionLeaderEpoch } = header;
      const same = { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, partitionLeaderEpoch, codec };
      const maxTimestamp = Math.max(...expected.map(({ timestamp }) => timestamp));
      expect(readBatchHeader(after)).toMatchObject({ ...same, recordCount: expected.length, maxTimestamp });
      expect(deleteHorizonMs(readBatchHeader(after))).toBe(horizonMs);
    }),
    { numRuns: 300 },
  );
});

test('a batch that is rewritten once more keeps the horizon that it has', () => {
  const bytes = batchOf([{ timestamp: FIRST_TIMESTAMP, key: Buffer.from('a'), value: null }], 'none');
  const rewrite = (from: Uint8Array, horizonMs?: number): Uint8Array => {
    const header = readBatchHeader(from);
    const retained = retainRecords(from, header, () => true, { decompress });
    return rewriteBatch(from, header, retained, { deleteHorizonMs: horizonMs, compress, crc: nativeCrc32c });
  };
  const once = rewrite(bytes, FIRST_TIMESTAMP + 500);
  const twice = rewrite(once);
  expect(deleteHorizonMs(readBatchHeader(twice))).toBe(FIRST_TIMESTAMP + 500);
  expect([...readRecords(twice)][0]!.timestamp).toBe(FIRST_TIMESTAMP);
});

test('an emptied batch has no record, no codec, and its producer’s sequences', () => {
  const bytes = batchOf(Array(4).fill({ timestamp: FIRST_TIMESTAMP, key: null, value: Buffer.alloc(90) }), 'lz4');
  const before = readBatchHeader(bytes);
  const after = emptiedBatch(bytes, before, nativeCrc32c);
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence } = before;
  const same = { baseOffset, lastOffset, producerId, producerEpoch, baseSequence };
  expect(readBatchHeader(after)).toMatchObject({ ...same, recordCount: 0, codec: 'none', sizeInBytes: 61 });
  expect(batchCrcValid(after, nativeCrc32c)).toBe(true);
  expect([...readRecords(after)]).toEqual([]);
  expect(validateRecords(after, {}).plainBytes).toBe(0);
});

test.each([
  ['a record that claims more bytes than there are', (plain: Buffer) => plain.writeUInt8(0x7e, 0)],
  ['a key that reaches beyond its record', (plain: Buffer) => plain.writeUInt8(0x3c, 4)],
  ['an offset behind the batch’s last', (plain: Buffer) => plain.writeUInt8(0x20, 3)],
])('%s is a typed error', (_, damage) => {
  const bytes = Buffer.from(batchOf([{ timestamp: 1, key: Buffer.from('key'), value: Buffer.from('v') }], 'none'));
  damage(bytes.subarray(61));
  const header = readBatchHeader(bytes);
  expect(() => retainRecords(bytes, header, () => true, { decompress })).toThrowError(
    expect.objectContaining({ name: 'RecordBatchError' }),
  );
});

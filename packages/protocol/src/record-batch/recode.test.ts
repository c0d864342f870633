import { expect, test } from 'vitest';
import { compress, decompress } from '../compression/compression.ts';
import { nativeCrc32c } from '../native-crc32c.ts';
import {
  batchCrcValid,
  CODECS,
  type Codec,
  type RecodeOptions,
  readBatchHeader,
  readRecords,
  recodeBatch,
  type WriteBatchOptions,
  writeBatch,
} from './record-batch.ts';
import { validateRecords } from './validate.ts';

const RECORDS = [
  { timestamp: 1_000, key: Buffer.from('k'), value: Buffer.from('one'), headers: [{ key: 'h', value: null }] },
  { timestamp: 900, value: null },
  { timestamp: 2_000, value: Buffer.alloc(400, 'x'), headers: [{ key: 'a', value: Buffer.from('b') }] },
];

const batchIn = (codec: Codec, options: Partial<WriteBatchOptions> = {}): Uint8Array =>
  writeBatch({ records: RECORDS, codec, compress, ...options });

function recoded(batch: Uint8Array, codec: Codec, options: Partial<RecodeOptions> = {}): Uint8Array {
  const summary = validateRecords(batch, { offsets: 'any', decompress });
  return recodeBatch(batch, summary, { codec, compress, crc: nativeCrc32c, ...options });
}

const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString();
const recordsOf = (batch: Uint8Array) =>
  [...readRecords(batch, { decompress })].map(({ key, value, headers, ...rest }) => ({
    ...rest,
    key: text(key),
    value: text(value),
    headers: headers.map((header) => [header.key, text(header.value)]),
  }));

test('from every codec into every other the records are the same, and so is what the header says of them', () => {
  const producer = { producerId: 77, producerEpoch: 3, baseSequence: 12, transactional: true };
  for (const from of CODECS) {
    for (const to of CODECS) {
      const before = batchIn(from, producer);
      const after = recoded(before, to);
      const { codec, sizeInBytes, ...header } = readBatchHeader(after);
      expect(codec, `${from} to ${to}`).toBe(to);
      expect(sizeInBytes).toBe(after.length);
      expect(header).toMatchObject({ ...stored(producer), recordCount: 3, lastOffsetDelta: 2, maxTimestamp: 2_000 });
      expect(recordsOf(after)).toEqual(recordsOf(before));
      expect(batchCrcValid(after, nativeCrc32c)).toBe(true);
    }
  }
});

const stored = ({ transactional, ...rest }: { transactional: boolean }) => ({
  ...rest,
  isTransactional: transactional,
});

test('records that a producer numbered wrongly are numbered from 0 on, however long the numbers are', () => {
  for (const deltas of [
    [0, 0, 0],
    [2, 1, 0],
    [100, 20_000, 2 ** 30],
  ]) {
    const records = RECORDS.map((record, index) => ({ ...record, offsetDelta: deltas[index] }));
    const batch = batchIn('none', { records, lastOffsetDelta: 2 });
    const found = recordsOf(recoded(batch, 'gzip'));
    expect(found.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(found.map(({ value }) => value)).toEqual(recordsOf(batchIn('none')).map(({ value }) => value));
  }
});

test('200 records with wrong numbers grow into numbers of two bytes', () => {
  const records = Array.from({ length: 200 }, (_, index) => ({ timestamp: index, offsetDelta: 0, value: null }));
  const found = recordsOf(recoded(batchIn('none', { records, lastOffsetDelta: 199 }), 'lz4'));
  expect(found.map(({ offset, timestamp }) => [offset, timestamp])).toEqual(records.map((_, index) => [index, index]));
});

test('LogAppendTime is stamped, else the largest timestamp of the records is', () => {
  const appended = readBatchHeader(recoded(batchIn('none'), 'zstd', { logAppendTimeMs: 5_000 }));
  expect([appended.hasLogAppendTime, appended.baseTimestamp, appended.maxTimestamp]).toEqual([true, 1_000, 5_000]);
  const lying = Buffer.from(batchIn('none'));
  lying.writeBigInt64BE(9n, 35);
  expect(readBatchHeader(recoded(lying, 'snappy')).maxTimestamp).toBe(2_000);
});

test('bits that only a broker sets, or nobody, do not come along', () => {
  const batch = Buffer.from(batchIn('none'));
  batch.writeInt16BE(0x40c0, 21);
  expect(readBatchHeader(recoded(batch, 'gzip')).attributes).toBe(1);
});

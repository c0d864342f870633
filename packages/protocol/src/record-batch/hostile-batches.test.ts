import { expect, test } from 'vitest';
import { compress, decompress } from '../compression/compression.ts';
import { FIELD } from './header.ts';
import { fuzz } from './record-batch.fuzz.ts';
import {
  batchCrcValid,
  type Codec,
  crc32c,
  peekBatchHeader,
  readBatchHeader,
  readRecords,
  validateRecords,
  writeBatch,
} from './record-batch.ts';

const records = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ timestamp: index, value: Buffer.from(`value ${index}`), key: null }));
const fresh = (codec: Codec = 'none', count = 3): Buffer =>
  Buffer.from(writeBatch({ records: records(count), codec, compress }));
const code = (expected: string) => expect.objectContaining({ name: 'RecordBatchError', code: expected });

test('a record count that lies is refused, upwards and downwards', () => {
  for (const codec of ['none', 'zstd'] as const) {
    for (const count of [2, 0, 4, 2 ** 31 - 1, -1]) {
      const batch = fresh(codec);
      batch.writeInt32BE(count, FIELD.recordCount);
      batch.writeInt32BE(Math.max(2, count - 1), FIELD.lastOffsetDelta);
      expect(() => validateRecords(batch, { decompress }), `${codec} ${count}`).toThrow(
        expect.objectContaining({ name: 'RecordBatchError' }),
      );
      expect(() => [...readRecords(batch, { decompress })]).toThrow(
        expect.objectContaining({ name: 'RecordBatchError' }),
      );
    }
  }
});

test('more records than offsets are a contradiction; fewer are what compaction leaves', () => {
  const batch = fresh();
  batch.writeInt32BE(1, FIELD.lastOffsetDelta);
  expect(() => readBatchHeader(batch)).toThrow(code('corrupt-batch'));
  batch.writeInt32BE(50, FIELD.lastOffsetDelta);
  expect(readBatchHeader(batch).lastOffset).toBe(50);
  expect(() => validateRecords(batch, { offsets: 'dense' })).toThrow(code('corrupt-batch'));
  expect(validateRecords(batch).maxTimestampDelta).toBe(2);
});

test('a length that lies is truncated or corrupt, and old formats and unknown codecs are named', () => {
  for (const [length, expected] of [
    [2 ** 31 - 1, 'truncated'],
    [48, 'corrupt-batch'],
    [-1, 'corrupt-batch'],
    [-(2 ** 31), 'corrupt-batch'],
  ] as const) {
    const batch = fresh();
    batch.writeInt32BE(length, FIELD.batchLength);
    expect(() => readBatchHeader(batch)).toThrow(code(expected));
  }
  const old = fresh();
  old[FIELD.magic] = 1;
  expect(() => readBatchHeader(old)).toThrow(code('unsupported-magic'));
  const unknown = fresh();
  unknown.writeInt16BE(5, FIELD.attributes);
  expect(() => peekBatchHeader(unknown)).toThrow(code('unsupported-codec'));
});

test('an offset or a timestamp beyond 2^53 is an error and never rounded', () => {
  for (const field of [FIELD.baseOffset, FIELD.baseTimestamp, FIELD.maxTimestamp, FIELD.producerId]) {
    const batch = fresh();
    batch.writeBigInt64BE(2n ** 53n, field);
    expect(() => readBatchHeader(batch)).toThrow(code('unsafe-integer'));
  }
});

test('every flip of a bit under the CRC is noticed by it', () => {
  const batch = fresh();
  for (let bit = FIELD.crc * 8; bit < batch.length * 8; bit++) {
    batch[bit >> 3]! ^= 1 << (bit & 7);
    expect(batchCrcValid(batch, crc32c)).toBe(false);
    batch[bit >> 3]! ^= 1 << (bit & 7);
  }
  expect(batchCrcValid(batch, crc32c)).toBe(true);
});

test('whatever bit is flipped and wherever the batch is cut, only typed errors come out', () => {
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const batch = fresh(codec, 6);
    for (let bit = 0; bit < batch.length * 8; bit++) {
      batch[bit >> 3]! ^= 1 << (bit & 7);
      fuzz(batch);
      batch[bit >> 3]! ^= 1 << (bit & 7);
    }
    for (let length = 0; length < batch.length; length++) fuzz(batch.subarray(0, length));
  }
});

test('varints at the edges of 32 and 64 bits survive, longer ones are refused', () => {
  const span = [
    0,
    2 ** 28,
    2 ** 31,
    2 ** 35 - 1,
    2 ** 40 + 1,
    2 ** 52,
    2 ** 53 - 1,
    -1,
    -(2 ** 31),
    -(2 ** 52),
    -(2 ** 53) + 1,
  ];
  const batch = writeBatch({ records: [{ timestamp: 0 }, ...span.map((timestamp) => ({ timestamp }))] });
  expect([...readRecords(batch)].slice(1).map((record) => record.timestamp)).toEqual(span);
  const record = [20, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0, 1, 1, 0];
  const long = Buffer.concat([fresh('none', 1).subarray(0, 61), Buffer.from(record)]);
  long.writeInt32BE(long.length - 12, FIELD.batchLength);
  expect(() => validateRecords(long)).toThrow(code('corrupt-record'));
});

test('a record with more headers than a reader makes objects of is refused by it, and walked by the validator', () => {
  const headers = Array.from({ length: 65_537 }, () => ({ key: '', value: null }));
  const batch = writeBatch({ records: [{ timestamp: 0, headers }] });
  expect(() => [...readRecords(batch)]).toThrow(code('too-large'));
  expect(validateRecords(batch).header.recordCount).toBe(1);
});

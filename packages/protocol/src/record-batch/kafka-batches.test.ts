/** Batches that Apache Kafka's own classes wrote, and its hashes: what we read must be what it meant. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decompress } from '../compression/compression.ts';
import { nativeCrc32c } from '../native-crc32c.ts';
import { batchCrcValid, crc32c, murmur2, readBatchHeader, readRecords, validateRecords } from './record-batch.ts';

const file = new URL('./testdata/kafka-4.3.1-batches.json', import.meta.url);
const golden: { batches: Record<string, string>; murmur2: Record<string, number> } = JSON.parse(
  readFileSync(file, 'utf8'),
);
const batchOf = (name: string): Buffer => Buffer.from(golden.batches[name]!, 'base64');
const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a %s batch of Apache Kafka reads as it was meant',
  (codec) => {
    const bytes = batchOf(codec);
    const header = readBatchHeader(bytes);
    expect(header).toMatchObject({
      codec,
      baseOffset: 1000,
      lastOffset: 1002,
      partitionLeaderEpoch: 9,
      recordCount: 3,
    });
    expect(header).toMatchObject({
      producerId: 77,
      producerEpoch: 3,
      baseSequence: 5,
      maxTimestamp: 1_700_000_000_014,
    });
    expect(batchCrcValid(bytes, crc32c) && batchCrcValid(bytes, nativeCrc32c)).toBe(true);
    const records = [...readRecords(bytes, { decompress })];
    expect(records.map((record) => [record.offset, record.timestamp, text(record.key), text(record.value)])).toEqual([
      [1000, 1_700_000_000_000, 'key-0', 'value-0'],
      [1001, 1_699_999_900_007, null, 'value-1'],
      [1002, 1_700_000_000_014, 'key-2', null],
    ]);
    expect(records[0]!.headers.map((each) => [each.key, text(each.value)])).toEqual([
      ['trace', 'äöü'],
      ['none', null],
    ]);
  },
);

test.each(['gzip', 'snappy', 'lz4', 'zstd'])('a %s batch of many blocks is walked to its end', (codec) => {
  const bytes = batchOf(`${codec}-big`);
  const summary = validateRecords(bytes, { decompress, offsets: 'dense' });
  expect(summary).toMatchObject({ maxTimestampDelta: 399, maxTimestamp: 1_700_000_002_793 });
  expect(summary.plainBytes).toBeGreaterThan(130_000);
  expect(text([...readRecords(bytes, { decompress })][399]!.value)).toMatch(/^value-399 lorem/);
});

test('a transaction marker is a control batch', () => {
  const bytes = batchOf('abort-marker');
  expect(readBatchHeader(bytes)).toMatchObject({
    isControl: true,
    isTransactional: true,
    baseOffset: 55,
    baseSequence: -1,
  });
  expect([...readRecords(bytes)].map((record) => [...record.key!])).toEqual([[0, 0, 0, 0]]);
});

test('murmur2 is that of the Java client for every length', () => {
  for (const [key, hash] of Object.entries(golden.murmur2)) expect(murmur2(Buffer.from(key, 'hex'))).toBe(hash);
});

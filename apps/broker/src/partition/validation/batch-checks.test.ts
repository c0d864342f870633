/** Bad batches, each with the error code that Apache Kafka answers. */
import { compress, ERROR, nativeCrc32c } from '@meridian/protocol';
import { stampCrc, type WriteBatchOptions } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf, valuesOf } from '../../testing/batches.ts';
import type { TopicSettings } from '../topic-settings.ts';
import { checkClientBatch, onlyBatch, type Validation } from './batch-checks.ts';
import { ProduceRefusal } from './produce-refusal.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const SETTINGS: TopicSettings = {
  maxMessageBytes: 1_000_000,
  segmentBytes: 1_000_000,
  minInsyncReplicas: 1,
  lagMaxMs: 30_000,
  compacted: false,
  compactedOnly: false,
  retention: undefined,
  compaction: undefined,
  compression: undefined,
  logAppendTime: false,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  fsync: false,
  originTopicId: undefined,
  writer: 'clients',
  cuts: [],
  throttled: { asLeader: new Set(), asFollower: new Set() },
  log: {},
};
const PARTITION = { topic: 'orders', index: 3 };
const AT = { batchLength: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, producerId: 43, epoch: 51, count: 57 };

const PRODUCE_VERSION = 9;

/** A good batch with something changed; the sum is made right again. */
function spoiled(change: (batch: Buffer) => void, options: Partial<WriteBatchOptions> = {}): Buffer {
  const batch = batchOf(['one', 'two', 'three'], options);
  change(batch);
  stampCrc(batch, 0, nativeCrc32c);
  return batch;
}

function checked(
  records: Buffer,
  settings: Partial<TopicSettings> = {},
  validation: Validation = 'full',
  budget = { left: 10_000_000, recordsLeft: 1_000 },
) {
  const bounds = { maxDecompressedBytes: 1_000_000, budget };
  const options = { validation, nowMs: NOW_MS, ...bounds, partition: PARTITION };
  return checkClientBatch(onlyBatch(records, PRODUCE_VERSION), { ...SETTINGS, ...settings }, options);
}

function refusalOf(...given: Parameters<typeof checked>): ProduceRefusal {
  try {
    checked(...given);
  } catch (error) {
    if (error instanceof ProduceRefusal) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function codeOf(...given: Parameters<typeof checked>): number {
  try {
    checked(...given);
    return ERROR.NONE;
  } catch (error) {
    if (error instanceof ProduceRefusal) return error.errorCode;
    throw error;
  }
}

test('a good batch passes, compressed by any codec', () => {
  expect(codeOf(batchOf(['one', 'two']))).toBe(ERROR.NONE);
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    expect(codeOf(batchOf(['one', 'two'], { codec, compress }))).toBe(ERROR.NONE);
  }
});

test('bytes that are no batch, none, half of one or two of them are refused', () => {
  const batch = batchOf(['one']);
  expect(codeOf(Buffer.alloc(0))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(batch.subarray(0, batch.length - 1))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(Buffer.concat([batch, batch]))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(Buffer.alloc(100, 0xff))).toBe(ERROR.CORRUPT_MESSAGE);
});

test('the old formats are INVALID_RECORD, unknown ones and impossible lengths CORRUPT_MESSAGE', () => {
  for (const magic of [0, 1]) expect(codeOf(spoiled((batch) => batch.writeInt8(magic, AT.magic)))).toBe(87);
  const three = batchOf(['one']);
  three.writeInt8(3, AT.magic);
  expect(codeOf(three)).toBe(ERROR.CORRUPT_MESSAGE);
  const short = batchOf(['one']);
  short.writeInt32BE(-5, AT.batchLength);
  expect(codeOf(short)).toBe(ERROR.CORRUPT_MESSAGE);
});

test('a damaged batch is CORRUPT_MESSAGE whatever else is wrong with it', () => {
  const batch = batchOf(['one']);
  batch[batch.length - 1]! ^= 1;
  expect(codeOf(batch)).toBe(ERROR.CORRUPT_MESSAGE);
  expect(codeOf(batch, {}, 'header')).toBe(ERROR.CORRUPT_MESSAGE);
});

test('a count that lies is INVALID_RECORD, against the offsets and against the records', () => {
  expect(codeOf(spoiled((batch) => batch.writeInt32BE(2, AT.count)))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(spoiled((batch) => batch.writeInt32BE(0, AT.count)))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(spoiled((batch) => batch.writeInt32BE(-1, AT.count)))).toBe(ERROR.INVALID_RECORD);
  const fewer = spoiled((batch) => {
    batch.writeInt32BE(2, AT.count);
    batch.writeInt32BE(1, AT.lastOffsetDelta);
  });
  expect(codeOf(fewer)).toBe(ERROR.INVALID_RECORD);
  const more = spoiled((batch) => {
    batch.writeInt32BE(1_000_000, AT.count);
    batch.writeInt32BE(999_999, AT.lastOffsetDelta);
  });
  expect(codeOf(more)).toBe(ERROR.INVALID_RECORD);
});

test('what only the broker may say about a batch is refused from a client', () => {
  expect(codeOf(batchOf(['one'], { control: true }))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(batchOf(['one'], { baseOffset: 7 }))).toBe(ERROR.INVALID_RECORD);
  const logAppendTime = () => spoiled((batch) => batch.writeInt16BE(0x08, AT.attributes));
  expect(codeOf(logAppendTime(), { logAppendTime: true })).toBe(ERROR.INVALID_TIMESTAMP);
  expect(codeOf(logAppendTime()), 'it counts for nothing elsewhere').toBe(ERROR.NONE);
  expect(codeOf(batchOf(['one'], { transactional: true }))).toBe(ERROR.INVALID_TXN_STATE);
});

test('a producer id needs an epoch and a sequence', () => {
  expect(codeOf(batchOf(['one'], { producerId: 5, producerEpoch: 0, baseSequence: 0 }))).toBe(ERROR.NONE);
  expect(codeOf(batchOf(['one'], { producerId: 5, producerEpoch: 0 }))).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(batchOf(['one'], { producerId: 5, baseSequence: 0 }))).toBe(ERROR.INVALID_PRODUCER_EPOCH);
});

test('unknown codecs, corrupt compression and bombs are told apart', () => {
  expect(codeOf(spoiled((batch) => batch.writeInt16BE(6, AT.attributes)))).toBe(ERROR.UNSUPPORTED_COMPRESSION_TYPE);
  for (const codec of [1, 2, 3, 4]) {
    expect(codeOf(spoiled((batch) => batch.writeInt16BE(codec, AT.attributes)))).toBe(ERROR.INVALID_RECORD);
  }
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const bomb = batchOf(['x'.repeat(2_000_000)], { codec, compress });
    expect(codeOf(bomb)).toBe(ERROR.MESSAGE_TOO_LARGE);
  }
});

test('a request of many bombs unpacks no more than its budget', () => {
  const budget = { left: 2_500_000, recordsLeft: 1_000 };
  const bomb = batchOf(['x'.repeat(2_000_000)], { codec: 'gzip', compress });
  for (let index = 0; index < 50; index++) expect(codeOf(bomb, {}, 'full', budget)).toBe(ERROR.MESSAGE_TOO_LARGE);
  expect(budget.left).toBe(0);
  const good = { left: 1_000_000, recordsLeft: 1_000 };
  expect(codeOf(batchOf(['one'], { codec: 'gzip', compress }), {}, 'full', good)).toBe(ERROR.NONE);
  expect(good.left).toBeGreaterThan(999_900);
});

test('topics set bounds of size and time, and may want keys', () => {
  expect(codeOf(batchOf(['one']), { maxMessageBytes: 10 })).toBe(ERROR.MESSAGE_TOO_LARGE);
  expect(codeOf(batchOf(['one']), { segmentBytes: 10 })).toBe(ERROR.RECORD_LIST_TOO_LARGE);
  expect(codeOf(batchOf(['one']), { compacted: true })).toBe(ERROR.INVALID_RECORD);
  const at = (timestamp: number) => batchOf([], { records: [{ timestamp, value: Buffer.from('one') }] });
  expect(codeOf(at(NOW_MS + 3_600_001))).toBe(ERROR.INVALID_TIMESTAMP);
  expect(codeOf(at(NOW_MS - 10_000), { timestampBeforeMaxMs: 9_999 })).toBe(ERROR.INVALID_TIMESTAMP);
  expect(codeOf(at(NOW_MS + 3_600_001), { logAppendTime: true })).toBe(ERROR.NONE);
});

test('the internal listener trusts the records but not the header', () => {
  const fewer = spoiled((batch) => batch.writeInt8(50, 61));
  expect(codeOf(fewer, {}, 'header')).toBe(ERROR.NONE);
  expect(codeOf(fewer)).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(batchOf(['one']), { compacted: true }, 'header'), 'but keys are wanted from everybody').toBe(
    ERROR.INVALID_RECORD,
  );
});

test('every codec becomes the topic’s, its own is left as it came', () => {
  for (const from of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    for (const to of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const sent = batchOf(['one', 'two'], { codec: from, compress, producerId: 5, producerEpoch: 1, baseSequence: 3 });
      const bytes = Buffer.from(sent);
      const { batch, header } = checked(sent, { compression: { codec: to, compress } });
      expect(header).toMatchObject({ codec: to, producerId: 5, producerEpoch: 1, baseSequence: 3, recordCount: 2 });
      expect(valuesOf([batch])).toEqual(['one', 'two']);
      if (from === to) expect(batch).toEqual(bytes);
    }
  }
});

test('also batches of the gateway get the topic’s codec', () => {
  const { header } = checked(batchOf(['one']), { compression: { codec: 'lz4', compress } }, 'header');
  expect(header.codec).toBe('lz4');
});

test('with a codec of its own a topic takes LogAppendTime and the bound of size as without', () => {
  const compression = { codec: 'gzip', compress } as const;
  const { batch } = checked(batchOf(['one']), { compression, logAppendTime: true });
  expect([batch.readInt16BE(AT.attributes), Number(batch.readBigInt64BE(35))]).toEqual([9, NOW_MS]);
  const packed = () => batchOf(['x'.repeat(5_000)], { codec: 'zstd', compress });
  expect(codeOf(packed(), { maxMessageBytes: 1_000 })).toBe(ERROR.NONE);
  const uncompressed = { codec: 'none', compress } as const;
  expect(codeOf(packed(), { maxMessageBytes: 1_000, compression: uncompressed })).toBe(ERROR.MESSAGE_TOO_LARGE);
  expect(codeOf(packed(), { segmentBytes: 1_000, compression: uncompressed })).toBe(ERROR.RECORD_LIST_TOO_LARGE);
  const bomb = batchOf(['x'.repeat(2_000_000)], { codec: 'zstd', compress });
  expect(codeOf(bomb, { compression })).toBe(ERROR.MESSAGE_TOO_LARGE);
});

test('offsets that lie are refused, but where the batch is written anew', () => {
  const records = [0, 0, 7].map((offsetDelta) => ({ timestamp: NOW_MS, value: Buffer.from('x'), offsetDelta }));
  const lying = () => batchOf([], { records, lastOffsetDelta: 2 });
  expect(codeOf(lying())).toBe(ERROR.INVALID_RECORD);
  expect(codeOf(lying(), { compression: { codec: 'gzip', compress } })).toBe(ERROR.NONE);
});

test('a refusal names the records at fault, a missing key before a wrong timestamp', () => {
  const records = [
    { timestamp: NOW_MS, key: Buffer.from('k') },
    { timestamp: NOW_MS - 10_000, key: Buffer.from('k') },
    { timestamp: NOW_MS - 10_000, key: null },
    { timestamp: -1, key: Buffer.from('k') },
  ];
  const settings = { compacted: true, timestampBeforeMaxMs: 5_000 };
  for (const codec of ['none', 'gzip'] as const) {
    const { errorCode, recordErrors } = refusalOf(batchOf([], { records, codec, compress }), settings);
    expect(errorCode).toBe(ERROR.INVALID_TIMESTAMP);
    expect(recordErrors).toEqual([
      {
        batchIndex: 1,
        batchIndexErrorMessage: `Timestamp ${NOW_MS - 10_000} of message with offset 1 is out of range. The timestamp should be within [${NOW_MS - 5_000}, ${NOW_MS + 3_600_000}]`,
      },
      {
        batchIndex: 2,
        batchIndexErrorMessage: 'Compacted topic cannot accept message without key in topic partition orders-3',
      },
    ]);
  }
  const { errorCode, message } = refusalOf(batchOf([], { records: [records[2]!] }), settings);
  expect(errorCode).toBe(ERROR.INVALID_RECORD);
  expect(message).toContain('1 record errors in total');
});

test('timestamps beyond 2^53 are out of range, a largest timestamp that lies is found anew', () => {
  const base = spoiled((batch) => void batch.writeBigInt64BE(2n ** 63n - 1n, 27));
  const { errorCode, recordErrors } = refusalOf(base);
  expect([errorCode, recordErrors.length]).toEqual([ERROR.INVALID_TIMESTAMP, 3]);
  const largest = spoiled((batch) => void batch.writeBigInt64BE(2n ** 63n - 1n, 35));
  expect(Number(checked(largest).batch.readBigInt64BE(35))).toBe(NOW_MS);
});

test('before version 7 zstd is refused, whatever else is wrong', () => {
  const batch = batchOf(['one'], { codec: 'zstd', compress: (name, plain) => compress(name, Buffer.from(plain)) });
  const twice = Buffer.concat([batch, batch]);
  expect(() => onlyBatch(twice, 6)).toThrow(expect.objectContaining({ errorCode: ERROR.UNSUPPORTED_COMPRESSION_TYPE }));
  expect(() => onlyBatch(twice, 7)).toThrow(expect.objectContaining({ errorCode: ERROR.INVALID_RECORD }));
  expect(onlyBatch(batch, 7)).toBe(batch);
});

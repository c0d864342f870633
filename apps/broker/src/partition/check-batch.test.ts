/** Bad batches, each with the error code that Apache Kafka answers. */
import { compress, ERROR, nativeCrc32c } from '@meridian/protocol';
import { stampCrc, type WriteBatchOptions } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { batchOf } from '../testing/batches.ts';
import { checkClientBatch, onlyBatch, type Validation } from './check-batch.ts';
import { ProduceRefusal } from './produce-refusal.ts';
import type { TopicSettings } from './topic-settings.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const SETTINGS: TopicSettings = {
  maxMessageBytes: 1_000_000,
  segmentBytes: 1_000_000,
  minInsyncReplicas: 1,
  compacted: false,
  compactedOnly: false,
  retention: undefined,
  compaction: undefined,
  logAppendTime: false,
  timestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  timestampAfterMaxMs: 3_600_000,
  fsync: false,
  originTopicId: undefined,
  log: {},
};
const AT = { batchLength: 8, magic: 16, attributes: 21, lastOffsetDelta: 23, producerId: 43, epoch: 51, count: 57 };

/** A good batch with something changed; the sum is made right again. */
function spoiled(change: (batch: Buffer) => void, options: Partial<WriteBatchOptions> = {}): Buffer {
  const batch = batchOf(['one', 'two', 'three'], options);
  change(batch);
  stampCrc(batch, 0, nativeCrc32c);
  return batch;
}

function codeOf(
  records: Buffer,
  settings: Partial<TopicSettings> = {},
  validation: Validation = 'full',
  budget = { left: 10_000_000 },
): number {
  try {
    const options = { validation, nowMs: NOW_MS, produceVersion: 9, maxDecompressedBytes: 1_000_000, budget };
    checkClientBatch(onlyBatch(records), { ...SETTINGS, ...settings }, options);
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
  expect(codeOf(spoiled((batch) => batch.writeInt16BE(0x08, AT.attributes)))).toBe(ERROR.INVALID_TIMESTAMP);
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
  const budget = { left: 2_500_000 };
  const bomb = batchOf(['x'.repeat(2_000_000)], { codec: 'gzip', compress });
  for (let index = 0; index < 50; index++) expect(codeOf(bomb, {}, 'full', budget)).toBe(ERROR.MESSAGE_TOO_LARGE);
  expect(budget.left).toBe(0);
  const good = { left: 1_000_000 };
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

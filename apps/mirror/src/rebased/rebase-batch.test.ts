import { compress, decompress } from '@meridian/protocol';
import {
  batchCrcValid,
  CODECS,
  type Codec,
  crc32c,
  readBatchHeader,
  readRecords,
  stampBaseOffset,
  stampLogAppendTime,
  writeBatch,
} from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { BatchMerger } from './batch-merger.ts';
import { halvesOf } from './planned-batch.ts';
import { rebaseBatch } from './rebase-batch.ts';
import { segmentsOf, sourceBatches } from './source-batches.ts';

const producer = { producerId: 77, producerEpoch: 3, baseSequence: 12 };
const options = { compress, decompress };
const segments = (batch: Buffer) => segmentsOf(batch, readBatchHeader(batch), options);
const at = (offsetDelta: number) => ({
  timestamp: 1_000 + offsetDelta,
  value: new Uint8Array([offsetDelta]),
  offsetDelta,
});
const batch = (deltas: readonly number[], codec: Codec = 'none') =>
  Buffer.from(
    writeBatch({
      baseOffset: 40,
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
      records: deltas.map(at),
      codec,
      compress,
    }),
  );

test('a whole batch keeps its payload, which is not even copied, and bears our producer without the transaction', () => {
  for (const codec of CODECS) {
    const origin = batch([0, 1, 2], codec);
    const before = Buffer.from(origin);
    const pieces = rebaseBatch(origin, { ...producer, segments: segments(origin), isWhole: true }, options);
    expect(origin).toEqual(before);
    expect(pieces[1]!.buffer).toBe(origin.buffer);
    const rebased = Buffer.concat(pieces);
    expect(rebased.subarray(61)).toEqual(origin.subarray(61));
    expect(readBatchHeader(rebased)).toMatchObject({
      ...producer,
      baseOffset: 0,
      isTransactional: false,
      recordCount: 3,
      codec,
    });
    expect(batchCrcValid(rebased, crc32c)).toBe(true);
  }
});

test('a compacted batch becomes dense, with the records that are wanted', () => {
  const origin = batch([0, 1, 4, 6], 'zstd');
  expect(segments(origin)).toEqual([
    { originStart: 40, count: 2 },
    { originStart: 44, count: 1 },
    { originStart: 46, count: 1 },
  ]);
  const wanted = { ...producer, segments: segments(origin).slice(1), isWhole: false };
  const rebased = Buffer.concat(rebaseBatch(origin, wanted, options));
  expect(readBatchHeader(rebased)).toMatchObject({ ...producer, lastOffsetDelta: 1, recordCount: 2 });
  expect([...readRecords(rebased, options)].map(({ offset, timestamp }) => [offset, timestamp])).toEqual([
    [0, 1_004],
    [1, 1_006],
  ]);
  expect(batchCrcValid(rebased, crc32c)).toBe(true);
});

test('the append time of a batch becomes the time of each of its records', () => {
  const origin = batch([0, 1]);
  stampLogAppendTime(origin, 0, 9_000, crc32c);
  const wanted = { ...producer, segments: segments(origin), isWhole: true };
  const rebased = Buffer.concat(rebaseBatch(origin, wanted, options));
  expect(readBatchHeader(rebased)).toMatchObject({ ...producer, hasLogAppendTime: false });
  expect([...readRecords(rebased)].map(({ timestamp }) => timestamp)).toEqual([9_000, 9_000]);
});

test('what was merged and is too large comes in halves that hold the same records', () => {
  const memory = { leastBytes: 0, take: (size: number) => Buffer.alloc(size), hold: () => {}, release: () => {} };
  const merger = new BatchMerger(memory, DEFAULT_LIMITS);
  const slice = (codec: Codec) => {
    const parts = [batch([0, 1, 2], codec), batch([0], codec), batch([0, 1, 2, 3], codec)];
    [40, 43, 44].forEach((offset, at) => {
      stampBaseOffset(parts[at]!, 0, offset);
    });
    return sourceBatches({ buffers: [Buffer.concat(parts)], abortedTransactions: [] }, DEFAULT_LIMITS);
  };
  const recordsOf = (pieces: readonly Buffer[]) =>
    [...readRecords(Buffer.concat(pieces), options)].map(({ timestamp, value }) => [timestamp, ...value!]);
  for (const codec of CODECS) {
    const sources = slice(codec);
    const { bytes, count } = merger.merge(sources, DEFAULT_LIMITS.mergeMaxBytes)!;
    expect(count).toBe(3);
    const whole = { segments: [{ originStart: 40, count: 8 }], isWhole: true };
    const planned = {
      id: 0,
      batch: { ...sources[0]!, bytes },
      ...whole,
      localStart: 7,
      changesBefore: 0,
      wasSent: true,
    };
    const halves = halvesOf(planned)!;
    expect(halves.map(({ localStart }) => localStart)).toEqual([7, 11]);
    const found = halves.flatMap((half) => recordsOf(rebaseBatch(bytes, { ...producer, ...half }, options)));
    expect(found).toEqual(sources.flatMap((source) => recordsOf([source.bytes])));
    expect(recordsOf(rebaseBatch(bytes, { ...producer, ...whole }, options))).toEqual(found);
  }
});

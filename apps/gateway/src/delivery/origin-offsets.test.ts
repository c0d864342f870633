import type { Origin } from '@meridian/coordinates';
import { compress, decompress } from '@meridian/protocol';
import { readBatchHeader, readRecords, writeBatch } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import { inOriginOffsets } from './origin-offsets.ts';

/** Local 10–12 is origin 100–102 of epoch 3, local 13–14 is 110–111, local 15 on is 120 on of epoch 4. */
const RUNS = [
  { fromLocal: 10, untilLocal: 13, originStart: 100, originEpoch: 3 },
  { fromLocal: 13, untilLocal: 15, originStart: 110, originEpoch: 3 },
  { fromLocal: 15, untilLocal: Number.POSITIVE_INFINITY, originStart: 120, originEpoch: 4 },
];
const runs = {
  originAt(local: number): Origin | undefined {
    const run = RUNS.find(({ fromLocal, untilLocal }) => local >= fromLocal && local < untilLocal);
    return run && { ...run, originOffset: run.originStart + local - run.fromLocal };
  },
};

const batch = (from: number, to: number, more: object = {}) => {
  const records = Array.from({ length: to - from }, (_, at) => ({
    timestamp: 1_000 + at,
    value: Buffer.from(`${from + at}`),
  }));
  return Buffer.from(writeBatch({ records, baseOffset: from, ...more }));
};
/** What a reader finds: offset, epoch of the batch, and where the record lay. */
const found = (buffers: readonly Buffer[]) =>
  buffers.flatMap((bytes) => {
    const { partitionLeaderEpoch } = readBatchHeader(bytes);
    return [...readRecords(bytes, { decompress })].map(
      ({ offset, value }) => `${offset}/${partitionLeaderEpoch}=${Buffer.from(value!)}`,
    );
  });

test('a batch within a run keeps its bytes but for where it lies', () => {
  const bytes = batch(13, 15);
  const { buffers, foreign } = inOriginOffsets([bytes], runs);
  expect([buffers[0]!.buffer, foreign]).toEqual([bytes.buffer, 0]);
  expect(found(buffers)).toEqual(['110/3=13', '111/3=14']);
});

test('a batch that lies in several runs is cut where they end, compressed or not', () => {
  for (const codec of [{}, { codec: 'zstd', compress }]) {
    const { buffers, foreign } = inOriginOffsets([Buffer.from(batch(11, 17, codec))], runs);
    expect(foreign).toBe(0);
    expect(found(buffers)).toEqual(['101/3=11', '102/3=12', '110/3=13', '111/3=14', '120/4=15', '121/4=16']);
  }
});

test('what no run tells of is left out and counted, and so are markers, but not counted', () => {
  const { buffers, foreign } = inOriginOffsets(
    [batch(5, 8), batch(8, 9, { control: true, transactional: true })],
    runs,
  );
  expect([buffers, foreign]).toEqual([[], 1]);
  expect(found(inOriginOffsets([batch(8, 11)], runs).buffers)).toEqual(['100/3=10']);
});

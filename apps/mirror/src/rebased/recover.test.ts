import type { StoredRun } from '@meridian/coordinates';
import { expect, test } from 'vitest';
import { recoverRuns } from './recover.ts';

const tenure = { producerId: 77, producerEpoch: 1, localStart: 1 };
const run = (originStart: number, localStart: number, count = 0): StoredRun => ({
  originEpoch: 0,
  originStart,
  localStart,
  count,
  tenure,
});
const batch = (baseOffset: number, nextOffset: number, more = {}) => ({
  baseOffset,
  nextOffset,
  producerId: 77,
  producerEpoch: 1,
  baseSequence: baseOffset - 1,
  ...more,
});
const log = { logStart: 0, logEnd: 50, lost: [], skipped: null };
const stored = (...runs: StoredRun[]) => ({ runs, lost: [], skipped: undefined });

test('a run past whose start the data does not go was not written, and is dropped', () => {
  const found = { ...log, runs: [run(100, 1), run(120, 11)], lastBatch: batch(6, 11) };
  const changes = [
    { type: 'drop', localStart: 11 },
    { type: 'put', run: run(100, 1, 10) },
  ];
  expect(recoverRuns(found)).toEqual({ isExact: true, stored: stored(run(100, 1, 10)), changes });
});

test('a run past whose start the data goes ends where the data does', () => {
  const found = { ...log, runs: [run(120, 11), run(100, 1)], lastBatch: batch(11, 14) };
  expect(recoverRuns(found)).toMatchObject({
    isExact: true,
    stored: { runs: [run(100, 1, 10), run(120, 11, 3)] },
  });
});

test('nothing has landed at all: everything that was written ahead is dropped', () => {
  const found = { ...log, logEnd: 3, runs: [run(100, 1)], lastBatch: null };
  expect(recoverRuns(found)).toEqual({
    isExact: true,
    stored: stored(),
    changes: [{ type: 'drop', localStart: 1 }],
  });
});

test('a copy that has records without a run is not ours', () => {
  const found = { ...log, runs: [], lastBatch: batch(6, 11) };
  expect(recoverRuns(found)).toMatchObject({ isExact: false, reason: expect.stringContaining('not of this mirror') });
});

test('a last batch of another producer, or of ours where its sequence does not put it, is somebody else at work', () => {
  for (const more of [{ producerId: 5 }, { baseSequence: 4 }, { producerEpoch: 2 }]) {
    const found = { ...log, runs: [run(100, 1)], lastBatch: batch(6, 11, more) };
    expect(recoverRuns(found)).toMatchObject({ isExact: false, reason: expect.stringContaining('somebody else') });
  }
});

test('a log without data says nothing about where an open run ended', () => {
  const found = { ...log, logStart: 30, logEnd: 31, runs: [run(100, 1)], lastBatch: null };
  expect(recoverRuns(found)).toMatchObject({ isExact: false, reason: expect.stringContaining('is not known') });
  const closed = { ...found, runs: [run(100, 1, 20)] };
  expect(recoverRuns(closed)).toMatchObject({ isExact: true, stored: { runs: [run(100, 1, 20)] }, changes: [] });
});

test('what was lost or skipped behind the last run holds only if that run still goes as far', () => {
  const lost = [{ from: 110, to: 119 }];
  const found = { ...log, runs: [run(100, 1)], lost, skipped: { originEnd: 125, localEnd: 11 } };
  const whole = recoverRuns({ ...found, lastBatch: batch(6, 11) });
  expect(whole).toMatchObject({ isExact: true, stored: { lost, skipped: found.skipped }, changes: [{ type: 'put' }] });
  const cut = recoverRuns({ ...found, lastBatch: batch(2, 6) });
  expect(cut).toMatchObject({
    stored: { lost: [], skipped: undefined },
    changes: [{ type: 'dropLost', from: 110 }, { type: 'dropSkipped' }, { type: 'put' }],
  });
});

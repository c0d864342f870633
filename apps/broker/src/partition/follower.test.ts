/** The follower machine, read aloud: an answer of the leader's, and what our log has to do. */
import type { EpochEntry } from '@meridian/log';
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import { batchOf } from '../testing/batches.ts';
import { createFollower, type FollowedLog, type ReplicaAnswer, takeAnswer } from './follower.ts';

const EPOCH = 7;

/** A log with these epochs, as `EpochCache` tells of it. */
function logOf(startOffset: number, endOffset: number, entries: readonly EpochEntry[]): FollowedLog {
  const latestEpoch = entries.at(-1)?.epoch ?? -1;
  const endOffsetFor = (epoch: number) => {
    if (epoch < 0 || epoch > latestEpoch) return { epoch: -1, endOffset: -1 };
    if (epoch === latestEpoch) return { epoch, endOffset };
    const next = entries.findIndex((entry) => entry.epoch > epoch);
    return { epoch: entries[next - 1]?.epoch ?? epoch, endOffset: entries[next]!.startOffset };
  };
  return { startOffset, endOffset, epochs: { latestEpoch, endOffsetFor } };
}

const LOG = logOf(10, 50, [
  { epoch: 2, startOffset: 10 },
  { epoch: 4, startOffset: 30 },
  { epoch: 5, startOffset: 40 },
]);

const answerOf = (given: Partial<ReplicaAnswer>): ReplicaAnswer => ({
  errorCode: ERROR.NONE,
  highWatermark: 45,
  logStartOffset: 10,
  divergingEpoch: { epoch: -1, endOffset: -1 },
  records: null,
  ...given,
});

/** What has to be done, in words. */
function told(log: FollowedLog, given: Partial<ReplicaAnswer>, highWatermark = 20): string {
  const follower = createFollower(1, EPOCH, highWatermark);
  const effects = takeAnswer(follower, log, answerOf(given));
  const { truncateTo, restartAt, run, startOffset, highWatermarkMoved, trouble } = effects;
  return [
    ...(truncateTo < 0 ? [] : [`cut at ${truncateTo}`]),
    ...(restartAt < 0 ? [] : [`begin anew at ${restartAt}`]),
    ...(run.headers.length === 0 ? [] : [`append ${run.headers.length} up to ${run.nextOffset}`]),
    ...(startOffset < 0 ? [] : [`start ${startOffset}`]),
    ...(highWatermarkMoved || follower.highWatermark !== highWatermark ? [`hw ${follower.highWatermark}`] : []),
    ...(trouble === undefined ? [] : [`trouble: ${trouble}`]),
  ].join(', ');
}

const batch = (baseOffset: number, values = ['x'], leaderEpoch = 5): Buffer =>
  batchOf(values, { baseOffset, leaderEpoch });
const spoilt = (bytes: Buffer): Buffer => {
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return bytes;
};

test('the high watermark is the leader’s, as far as our log reaches, and does not go back', () => {
  expect(told(LOG, { highWatermark: 45 })).toBe('hw 45');
  expect(told(LOG, { highWatermark: 90 })).toBe('hw 50');
  expect(told(LOG, { highWatermark: 5 })).toBe('');
  expect(told(LOG, { highWatermark: 52, records: [batch(50, ['a', 'b', 'c'])] })).toBe('append 1 up to 53, hw 52');
});

test('the start of the log is the leader’s, but never behind our end', () => {
  expect(told(LOG, { logStartOffset: 33 })).toBe('start 33, hw 45');
  expect(told(LOG, { logStartOffset: 5 })).toBe('hw 45');
  expect(told(LOG, { logStartOffset: 60 })).toBe('start 50, hw 45');
});

test('batches are taken as they come: whole, in order, with gaps that compaction has left', () => {
  const records = [Buffer.concat([batch(50), batch(51, ['a', 'b']), batch(60, ['c'], 7)])];
  expect(told(LOG, { records })).toBe('append 3 up to 61, hw 45');
  const cut = [Buffer.concat([batch(50), batch(51).subarray(0, 65)])];
  expect(told(LOG, { records: cut })).toBe('append 1 up to 51, hw 45');
});

test('a batch that we have is left out', () => {
  expect(told(LOG, { records: [Buffer.concat([batch(49), batch(50)])] })).toBe('append 1 up to 51, hw 45');
});

test.each([
  ['a wrong checksum', spoilt(batch(51)), 'a wrong checksum'],
  ['an overlap', batch(50), 'a batch that begins at 50'],
  ['an epoch that goes back', batch(51, ['x'], 4), 'a batch of epoch 4 behind epoch 5'],
  ['an epoch that its leader cannot have', batch(51, ['x'], 8), 'a batch of epoch 8, newer than its leader'],
])('with %s, it and what follows is not written', (_, bad, why) => {
  const records = [Buffer.concat([batch(50), bad, batch(52)])];
  expect(told(LOG, { records })).toBe(`append 1 up to 51, hw 45, trouble: ${why} at offset 51`);
});

test('an older format, and bytes that are no batch, are not written', () => {
  const old = batch(50);
  old.writeInt8(1, 16);
  expect(told(LOG, { records: [old] })).toContain('trouble: ');
  expect(told(LOG, { records: [Buffer.alloc(200)] })).toContain('trouble: ');
  expect(told(LOG, { records: [batch(50).subarray(0, 40)] })).toBe('hw 45, trouble: no whole batch at offset 50');
});

test.each([
  ['its epoch ends below our end', { epoch: 5, endOffset: 44 }, 'cut at 44'],
  ['it never had our last epoch', { epoch: 4, endOffset: 38 }, 'cut at 38'],
  ['it had more of the one before than we', { epoch: 4, endOffset: 47 }, 'cut at 40'],
  ['it has an epoch that we never had, in between', { epoch: 3, endOffset: 35 }, 'cut at 30'],
  ['all of ours are newer than what it has', { epoch: 1, endOffset: 4 }, 'cut at 4'],
])('where the leader’s log parts from ours: %s', (_, divergingEpoch, cut) => {
  expect(told(LOG, { divergingEpoch }, 0)).toBe(cut);
});

test('what is cut off is not committed any more', () => {
  expect(told(LOG, { divergingEpoch: { epoch: 5, endOffset: 44 } }, 48)).toBe('cut at 44, hw 44');
});

test('an answer by which nothing could be cut is asked for again, not followed in circles', () => {
  expect(told(LOG, { divergingEpoch: { epoch: 5, endOffset: 50 } })).toContain('trouble: ');
});

test('out of range: begun anew only where the leader’s log has nothing that we have', () => {
  const errorCode = ERROR.OFFSET_OUT_OF_RANGE;
  expect(told(LOG, { errorCode, logStartOffset: 80 })).toBe('begin anew at 80, hw 80');
  expect(told(LOG, { errorCode, logStartOffset: 50 })).toBe('trouble: OFFSET_OUT_OF_RANGE');
  expect(told(LOG, { errorCode, logStartOffset: 20 })).toBe('trouble: OFFSET_OUT_OF_RANGE');
  expect(told(LOG, { errorCode, logStartOffset: -1 })).toBe('trouble: OFFSET_OUT_OF_RANGE');
  const empty = logOf(90, 90, []);
  expect(told(empty, { errorCode, logStartOffset: 20 }, 90)).toBe('begin anew at 20, hw 20');
  expect(told(empty, { errorCode, logStartOffset: 90 }, 90)).toBe('trouble: OFFSET_OUT_OF_RANGE');
});

test('any other error is waited out', () => {
  const errorCode = ERROR.NOT_LEADER_OR_FOLLOWER;
  expect(told(LOG, { errorCode })).toBe('trouble: NOT_LEADER_OR_FOLLOWER');
});

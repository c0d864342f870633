import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { TaskPlace } from './mirror-task.ts';
import { PartitionTask } from './partition-task.ts';
import { statusOf } from './task-status.ts';

const HOUR = 3_600_000;
const PLACE: TaskPlace = {
  ...{ link: 'us-eu', topic: 'cities', topicId: 'a', copy: 'us.cities', copyId: 'b', partition: 0 },
  ...{ incarnation: 1, startOffset: 0 },
};

/** A record of `timestampMs` is under way, since `sinceMs` on our monotonic clock. */
function withLag(timestampMs: number, sinceMs: number) {
  const task = new PartitionTask(DEFAULT_LIMITS);
  const at = { lastEpoch: 3, highWatermark: 10, logStartOffset: 0, answerBytes: 9 };
  task.step({ type: 'start' }, 0);
  task.step(
    { type: 'located', copyEpoch: 1, copyStart: 0, targetEnd: 0, lastEpoch: -1, sourceStart: 0, sourceEnd: 0 },
    0,
  );
  const batch = { buffers: [], sizeInBytes: 9, baseOffset: 0, nextOffset: 10, timestampMs };
  task.step({ type: 'fetched', ...batch, ...at }, sinceMs);
  const feed = () => undefined;
  return { place: PLACE, task, feed, stop: feed };
}

const status = (task: ReturnType<typeof withLag>, monotonicMs: number, wallMs: number) =>
  statusOf(task, { monotonicMs, wallMs }, DEFAULT_LIMITS, { gaps: 0, lost: 0 });

test('what is missing is as old as its timestamp says', () => {
  const { oldestUnmirroredMs, lagMs } = status(withLag(HOUR, 500), 1_000, 2 * HOUR);
  expect([oldestUnmirroredMs, lagMs]).toEqual([HOUR, 500]);
});

test.each([
  ['an hour ahead of ours', 3 * HOUR],
  ['nowhere', -1],
  ['beyond all time', 2 ** 63],
])('with a producer whose clock is %s its age is how long we have known of it', (_, timestampMs) => {
  const { oldestUnmirroredMs, lagMs } = status(withLag(timestampMs, 500), 1_000, 2 * HOUR);
  expect([oldestUnmirroredMs, lagMs]).toEqual([500, 500]);
});

test('a record that comes after days of quiet is not as old as the last one before them', () => {
  const task = withLag(HOUR, 500);
  task.task.step({ type: 'appended', id: 1 }, 600);
  task.task.step({ type: 'end', highWatermark: 10, hole: false, logStartOffset: 0 }, 50_000);
  task.task.step({ type: 'pause', reason: 'paused' }, 50_100);
  task.task.step({ type: 'observed', sourceEnd: 11 }, 51_000);
  expect(status(task, 53_000, 48 * HOUR)).toMatchObject({ oldestUnmirroredMs: 3_000, lagMs: 2_000 });
});

test('nothing missing has no age, and what nobody has heard of for long is not healthy', () => {
  const task = withLag(HOUR, 500);
  task.task.step({ type: 'appended', id: 1 }, 600);
  expect(status(task, 700, 2 * HOUR)).toMatchObject({ oldestUnmirroredMs: 0, state: 'running', lagRecords: 0 });
  expect(status(task, 700 + DEFAULT_LIMITS.silentMs, 2 * HOUR)).toMatchObject({ state: 'retrying' });
});

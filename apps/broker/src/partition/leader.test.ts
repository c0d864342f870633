/** The leader machine, read aloud: one line per input, with what it had to do. */
import { expect, test } from 'vitest';
import { type Acknowledgement, createLeader, type LeaderInput, nextDeadlineMs, step } from './leader.ts';

interface Producer extends Acknowledgement {
  readonly name: string;
}

const wait = (name: string, end: number, deadlineMs = 1_000): LeaderInput<Producer> => ({
  kind: 'appended',
  acknowledgement: { name, end, acks: -1, deadlineMs },
});
const progress = (writtenEnd: number, durableEnd = 0): LeaderInput<Producer> => ({
  kind: 'progress',
  writtenEnd,
  durableEnd,
});

function transcript(fsync: boolean, inputs: readonly (readonly [LeaderInput<Producer>, number])[]): string[] {
  const leader = createLeader<Producer>({ leaderEpoch: 3, fsync, highWatermark: 0 });
  return inputs.map(([input, nowMs]) => {
    const { answer, errorCode, highWatermarkMoved } = step(leader, input, nowMs);
    const told = answer.map(({ name }) => `${name}=${errorCode}`).join(' ');
    return `${input.kind} → ${told || '-'}${highWatermarkMoved ? ` hw ${leader.highWatermark}` : ''}`;
  });
}

test('producers hear of their records in order, once these are written', () => {
  expect(
    transcript(false, [
      [wait('a', 2), 0],
      [wait('b', 5), 0],
      [progress(3), 1],
      [progress(3), 1],
      [progress(5), 2],
    ]),
  ).toEqual(['appended → -', 'appended → -', 'progress → a=0 hw 3', 'progress → -', 'progress → b=0 hw 5']);
});

test('with durability fsync, written is not enough', () => {
  expect(
    transcript(true, [
      [wait('a', 2), 0],
      [progress(2, 0), 1],
      [progress(2, 2), 2],
    ]),
  ).toEqual(['appended → -', 'progress → -', 'progress → a=0 hw 2']);
});

test('a duplicate of a committed batch is answered at once, of an uncommitted one with the original', () => {
  expect(
    transcript(false, [
      [wait('a', 2), 0],
      [progress(2), 0],
      [wait('b', 4), 0],
      [wait('again a', 2), 0],
      [wait('again b', 4), 0],
      [progress(4), 1],
    ]).slice(3),
  ).toEqual(['appended → again a=0', 'appended → -', 'progress → b=0 again b=0 hw 4']);
});

test('a producer that waits past its deadline is told REQUEST_TIMED_OUT, the others wait on', () => {
  expect(
    transcript(true, [
      [wait('a', 2, 100), 0],
      [wait('b', 4, 900), 0],
      [{ kind: 'tick' }, 100],
      [progress(4, 4), 200],
    ]),
  ).toEqual(['appended → -', 'appended → -', 'tick → a=7', 'progress → b=0 hw 4']);
});

test('a leader that resigns tells everybody who waits, and takes nothing more', () => {
  expect(
    transcript(false, [
      [wait('a', 2), 0],
      [{ kind: 'resign', errorCode: 6 }, 0],
      [progress(2), 0],
    ]),
  ).toEqual(['appended → -', 'resign → a=6', 'progress → -']);
});

test('the high watermark never goes back', () => {
  const leader = createLeader<Producer>({ leaderEpoch: 3, fsync: false, highWatermark: 7 });
  step(leader, progress(5), 0);
  expect(leader.highWatermark).toBe(7);
});

test('the next deadline is the earliest of those who wait', () => {
  const leader = createLeader<Producer>({ leaderEpoch: 3, fsync: false, highWatermark: 0 });
  expect(nextDeadlineMs(leader)).toBe(Number.POSITIVE_INFINITY);
  step(leader, wait('a', 2, 500), 0);
  step(leader, wait('b', 3, 200), 0);
  expect(nextDeadlineMs(leader)).toBe(200);
});

/** The leader machine, read aloud: one line per input, with what it had to do. */
import { ERROR } from '@meridian/protocol';
import { expect, test } from 'vitest';
import type { Acknowledgement } from './acknowledgements.ts';
import {
  createLeader,
  hasTooFewReplicas,
  type Leader,
  type LeaderInput,
  type LeaderSettings,
  nextDeadlineMs,
  step,
} from './leader.ts';
import type { Leadership } from './leadership.ts';

interface Producer extends Acknowledgement {
  readonly name: string;
}

const SETTINGS: LeaderSettings = { fsync: false, minInsyncReplicas: 1, lagMaxMs: 100 };

/** A leader on broker 1 whose log has `start` records; brokers have epoch 10 × id, unless they are fenced. */
function leaderOf(options: {
  replicas?: readonly number[];
  isr?: readonly number[];
  settings?: Partial<LeaderSettings>;
  start?: number;
  highWatermark?: number;
  fenced?: readonly number[];
}): Leader<Producer> {
  const { replicas = [1], isr = replicas, start = 0, highWatermark = 0, fenced = [] } = options;
  const leadership: Leadership = {
    leader: 1,
    leaderEpoch: 3,
    partitionEpoch: 7,
    replicas,
    isr,
    addingReplicas: [],
    removingReplicas: [],
  };
  const brokers = { eligibleEpoch: (id: number) => (fenced.includes(id) ? -1 : id * 10) };
  const ends = { endOffset: start, writtenEnd: start, durableEnd: start };
  const settings = { ...SETTINGS, ...options.settings };
  return createLeader<Producer>({ self: 1, leadership, brokers, settings, ends, highWatermark }, 0);
}

const wait = (name: string, end: number, deadlineMs = 1_000, acks = -1): LeaderInput<Producer> => ({
  kind: 'appended',
  acknowledgement: { name, end, acks, deadlineMs },
});
const progress = (end: number, durableEnd = 0): LeaderInput<Producer> => ({
  kind: 'progress',
  endOffset: end,
  writtenEnd: end,
  durableEnd,
});
const fetched = (replica: number, fetchOffset: number, brokerEpoch = replica * 10): LeaderInput<Producer> => ({
  kind: 'fetched',
  fetch: { replica, brokerEpoch, fetchOffset, logStart: 0 },
});
const answered = (isr: readonly number[], partitionEpoch: number, errorCode = 0): LeaderInput<Producer> => ({
  kind: 'alterPartition',
  answer: { errorCode, leaderEpoch: 3, partitionEpoch, isr },
});
const image = (isr: readonly number[], partitionEpoch: number): LeaderInput<Producer> => ({
  kind: 'image',
  leadership: {
    leader: 1,
    leaderEpoch: 3,
    partitionEpoch,
    replicas: [1, 2, 3],
    isr,
    addingReplicas: [],
    removingReplicas: [],
  },
});
const tick: LeaderInput<Producer> = { kind: 'tick' };

function transcript(leader: Leader<Producer>, inputs: readonly (readonly [LeaderInput<Producer>, number])[]): string[] {
  return inputs.map(([input, nowMs]) => {
    const { answer, errorCode, highWatermarkMoved, alter } = step(leader, input, nowMs);
    const told = answer.map(({ name }) => `${name}=${errorCode}`);
    const effects = [
      ...told,
      ...(highWatermarkMoved ? [`hw ${leader.highWatermark}`] : []),
      ...(alter === undefined ? [] : [`isr? ${alter.isr.map(({ brokerId }) => brokerId).join(',')}`]),
    ];
    return `${input.kind} → ${effects.join(' ') || '-'}`;
  });
}

test('producers hear of their records in order, once these are written', () => {
  expect(
    transcript(leaderOf({}), [
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
    transcript(leaderOf({ settings: { fsync: true } }), [
      [wait('a', 2), 0],
      [wait('b', 2, 1_000, 1), 0],
      [progress(2, 0), 1],
      [progress(2, 2), 2],
    ]),
  ).toEqual(['appended → -', 'appended → -', 'progress → -', 'progress → b=0 a=0 hw 2']);
});

test('a duplicate of a committed batch is answered at once, of an uncommitted one with the original', () => {
  expect(
    transcript(leaderOf({}), [
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
    transcript(leaderOf({ settings: { fsync: true } }), [
      [wait('a', 2, 100), 0],
      [wait('b', 4, 900), 0],
      [tick, 100],
      [progress(4, 4), 200],
    ]),
  ).toEqual(['appended → -', 'appended → -', 'tick → a=7', 'progress → b=0 hw 4']);
});

test('a leader that resigns tells everybody who waits, and takes nothing more', () => {
  expect(
    transcript(leaderOf({}), [
      [wait('a', 2), 0],
      [{ kind: 'resign', errorCode: 6 }, 0],
      [progress(2), 0],
    ]),
  ).toEqual(['appended → -', 'resign → a=6', 'progress → -']);
});

test('the high watermark never goes back', () => {
  const leader = leaderOf({ highWatermark: 7 });
  step(leader, progress(5), 0);
  expect(leader.highWatermark).toBe(7);
});

test('the next deadline is the earliest of those who wait', () => {
  const leader = leaderOf({});
  expect(nextDeadlineMs(leader)).toBe(Number.POSITIVE_INFINITY);
  step(leader, wait('a', 2, 500), 0);
  step(leader, wait('b', 3, 200, 1), 0);
  expect(nextDeadlineMs(leader)).toBe(200);
});

test('acks=1 waits for our log, acks=all for everybody who is in sync', () => {
  expect(
    transcript(leaderOf({ replicas: [1, 2, 3] }), [
      [wait('one', 4, 1_000, 1), 0],
      [wait('all', 4), 0],
      [progress(4), 1],
      [fetched(2, 0), 2],
      [fetched(2, 4), 3],
      [fetched(3, 2), 4],
      [fetched(3, 4), 5],
    ]).slice(2),
  ).toEqual(['progress → one=0', 'fetched → -', 'fetched → -', 'fetched → hw 2', 'fetched → all=0 hw 4']);
});

test('a new leader commits nothing before everybody in sync has fetched from it', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], start: 10, highWatermark: 6 });
  expect(
    transcript(leader, [
      [tick, 0],
      [fetched(2, 10), 1],
      [fetched(3, 8), 2],
      [fetched(3, 10), 3],
    ]),
  ).toEqual(['tick → -', 'fetched → -', 'fetched → hw 8', 'fetched → hw 10']);
});

test('who lags for too long is proposed to leave, and waited for until the controller has said so', () => {
  const leader = leaderOf({ replicas: [1, 2, 3] });
  expect(
    transcript(leader, [
      [fetched(2, 0), 0],
      [fetched(3, 0), 0],
      [wait('a', 5), 10],
      [progress(5), 10],
      [fetched(2, 5), 20],
      [tick, 110],
      [tick, 111],
      [tick, 112],
      [answered([1, 2], 8), 115],
      [progress(6), 120],
      [fetched(2, 6), 121],
    ]).slice(3),
  ).toEqual([
    'progress → -',
    'fetched → -',
    'tick → -',
    'tick → isr? 1,2',
    'tick → -',
    'alterPartition → a=0 hw 5',
    'progress → -',
    'fetched → hw 6',
  ]);
});

test('a follower begins to lag with the first append that it has not got, however long it was quiet', () => {
  const leader = leaderOf({ replicas: [1, 2] });
  expect(
    transcript(leader, [
      [fetched(2, 0), 0],
      [progress(1), 90_000],
      [tick, 90_100],
      [tick, 90_101],
    ]),
  ).toEqual(['fetched → -', 'progress → -', 'tick → -', 'tick → isr? 1']);
});

test('a follower that is always a little behind, but moves with the leader, stays in sync', () => {
  const leader = leaderOf({ replicas: [1, 2] });
  step(leader, fetched(2, 0), 0);
  for (let round = 1; round <= 20; round++) {
    step(leader, progress(round * 10), round * 60);
    step(leader, fetched(2, (round - 1) * 10), round * 60 + 30);
    expect(step(leader, tick, round * 60 + 59).alter).toBeUndefined();
  }
  expect(step(leader, tick, 20 * 60 + 200).alter?.isr.map(({ brokerId }) => brokerId)).toEqual([1]);
});

test('a follower joins when it has reached the high watermark and the start of the epoch, and counts at once', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1, 2], start: 10, highWatermark: 6 });
  expect(
    transcript(leader, [
      [fetched(2, 10), 0],
      [fetched(3, 9), 1],
      [fetched(3, 10), 2],
      [progress(12), 3],
      [fetched(2, 12), 4],
      [answered([1, 2, 3], 8), 5],
      [fetched(3, 12), 6],
    ]),
  ).toEqual([
    'fetched → hw 10',
    'fetched → -',
    'fetched → isr? 1,2,3',
    'progress → -',
    'fetched → -',
    'alterPartition → -',
    'fetched → hw 12',
  ]);
});

test('a proposal names the epoch with which each follower has fetched', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1, 2] });
  const { alter } = step(leader, fetched(3, 0), 1);
  expect(alter).toEqual({
    leaderEpoch: 3,
    partitionEpoch: 7,
    isr: [
      { brokerId: 1, brokerEpoch: -1 },
      { brokerId: 2, brokerEpoch: -1 },
      { brokerId: 3, brokerEpoch: 30 },
    ],
  });
});

test.each([
  ['fenced', { fenced: [3] }, 30],
  ['of another life than the one that is registered', {}, 29],
] as const)('a follower that is %s does not join, and nobody waits for it', (_, given, brokerEpoch) => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1, 2], ...given });
  expect(
    transcript(leader, [
      [fetched(2, 0), 0],
      [fetched(3, 0, brokerEpoch), 1],
      [progress(5), 2],
      [fetched(2, 5), 3],
    ]),
  ).toEqual(['fetched → -', 'fetched → -', 'progress → -', 'fetched → hw 5']);
});

test('what an earlier life of a follower sends late is not heard', () => {
  const leader = leaderOf({ replicas: [1, 2] });
  expect(
    transcript(leader, [
      [progress(5), 0],
      [fetched(2, 3, 20), 1],
      [fetched(2, 5, 19), 2],
    ]),
  ).toEqual(['progress → -', 'fetched → hw 3', 'fetched → -']);
});

test('a follower that keeps up but is not in sync yet holds the high watermark, so that it can join', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1], settings: { lagMaxMs: 100 } });
  step(leader, progress(10), 0);
  expect(leader.highWatermark).toBe(10);
  expect(
    transcript(leader, [
      [fetched(2, 10), 10],
      [answered([], 7, ERROR.INELIGIBLE_REPLICA), 11],
      [progress(20), 12],
      [tick, 112],
      [tick, 113],
    ]),
  ).toEqual(['fetched → isr? 1,2', 'alterPartition → -', 'progress → -', 'tick → -', 'tick → hw 20']);
});

test('with fewer in sync than have to be, nothing is committed and acks=all is refused beforehand', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1], settings: { minInsyncReplicas: 2 } });
  expect(hasTooFewReplicas(leader)).toBe(true);
  expect(
    transcript(leader, [
      [wait('one', 4, 1_000, 1), 0],
      [progress(4), 1],
      [fetched(2, 4), 2],
      [answered([1, 2], 8), 3],
    ]),
  ).toEqual(['appended → -', 'progress → one=0', 'fetched → isr? 1,2', 'alterPartition → hw 4']);
  expect(hasTooFewReplicas(leader)).toBe(false);
});

test('more replicas than there are cannot be asked for', () => {
  const leader = leaderOf({ replicas: [1], settings: { minInsyncReplicas: 3 } });
  expect(hasTooFewReplicas(leader)).toBe(false);
  step(leader, progress(4), 1);
  expect(leader.highWatermark).toBe(4);
});

test('a follower that may have joined by an answer that was lost is waited for until the image tells', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1, 2] });
  expect(
    transcript(leader, [
      [fetched(2, 0), 0],
      [fetched(3, 0), 0],
      [answered([], -1, ERROR.INVALID_UPDATE_VERSION), 1],
      [progress(5), 2],
      [fetched(2, 5), 3],
      [tick, 500],
      [image([1, 2], 9), 501],
    ]),
  ).toEqual([
    'fetched → -',
    'fetched → isr? 1,2,3',
    'alterPartition → -',
    'progress → -',
    'fetched → -',
    'tick → -',
    'image → hw 5',
  ]);
});

test('a question that was not decided is asked again, a refused one is given up', () => {
  const leader = leaderOf({ replicas: [1, 2], isr: [1] });
  expect(
    transcript(leader, [
      [fetched(2, 0), 0],
      [answered([], -1, ERROR.UNKNOWN_SERVER_ERROR), 1],
      [answered([], -1, ERROR.INELIGIBLE_REPLICA), 2],
      [fetched(2, 0), 3],
    ]),
  ).toEqual(['fetched → isr? 1,2', 'alterPartition → isr? 1,2', 'alterPartition → -', 'fetched → isr? 1,2']);
});

test('an image that is older than the answer changes nothing', () => {
  const leader = leaderOf({ replicas: [1, 2, 3], isr: [1, 2] });
  step(leader, fetched(3, 0), 0);
  step(leader, answered([1, 2, 3], 8), 1);
  expect(transcript(leader, [[image([1, 2], 8), 2]])).toEqual(['image → -']);
  expect(leader.inSync.isr).toEqual([1, 2, 3]);
});

test('a replica that is added follows from nothing, one that is removed is waited for no more', () => {
  const leader = leaderOf({ replicas: [1, 2], isr: [1, 2] });
  step(leader, progress(5), 0);
  expect(transcript(leader, [[image([1], 8), 1]])).toEqual(['image → hw 5']);
  expect(transcript(leader, [[fetched(3, 0), 2]])).toEqual(['fetched → -']);
  expect(leader.inSync.remotes.map(({ id, end }) => [id, end])).toEqual([
    [2, -1],
    [3, 0],
  ]);
});

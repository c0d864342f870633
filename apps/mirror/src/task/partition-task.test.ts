/** Each transcript lists inputs and, indented below, the effects; `vitest -u` rewrites them, the diff is reviewed. */
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { TaskEffect, TaskInput } from './messages.ts';
import { PartitionTask } from './partition-task.ts';

const MIB = 1024 * 1024;

function show(message: TaskInput | TaskEffect): string {
  const { type, ...rest } = message;
  const fields = Object.entries(rest).filter(([name]) => name !== 'buffers');
  return [type, ...fields.map(([name, value]) => `${name}=${typeof value === 'string' ? `"${value}"` : value}`)].join(
    ' ',
  );
}

function transcript(inputs: readonly TaskInput[]): string {
  const task = new PartitionTask(DEFAULT_LIMITS);
  const lines = inputs.flatMap((input) => {
    const effects = task.step(input, 0).map((effect) => `    ${show(effect)}`);
    const reason = task.reason === null ? '' : ` "${task.reason}"`;
    const state = `  = ${task.phase}${reason} position=${task.position} sent=${task.sentEnd} verified=${task.verifiedOffset} source=${task.sourceEnd}`;
    return [show(input), ...effects, state];
  });
  return `${lines.join('\n')}\n`;
}

const located = (targetEnd: number, lastEpoch: number, sourceStart: number, sourceEnd: number): TaskInput => ({
  type: 'located',
  targetEnd,
  lastEpoch,
  sourceStart,
  sourceEnd,
});
const fetched = (baseOffset: number, nextOffset: number, highWatermark: number, more = {}): TaskInput => ({
  type: 'fetched',
  buffers: [],
  sizeInBytes: 100,
  baseOffset,
  nextOffset,
  lastEpoch: 3,
  highWatermark,
  ...more,
});
const appended = (id: number): TaskInput => ({ type: 'appended', id });
const proved = (epoch: number, endOffset: number): TaskInput => ({ type: 'proved', epoch, endOffset });
const start: TaskInput = { type: 'start' };

const SCENARIOS: Record<string, readonly TaskInput[]> = {
  'a fresh copy begins at the start of the origin and pipelines': [
    start,
    located(0, -1, 40, 60),
    { type: 'leaderEpoch', epoch: 3 },
    fetched(40, 50, 60),
    fetched(50, 60, 60),
    appended(1),
    appended(2),
    { type: 'end', highWatermark: 60, hole: false },
  ],
  'how far the origin goes is told also when nothing is fetched any more': [
    start,
    { type: 'unobserved', reason: "the origin's partition: KAFKA_STORAGE_ERROR" },
    located(0, -1, 0, 10),
    { type: 'halt', reason: 'diverged' },
    { type: 'observed', sourceEnd: 70 },
    { type: 'observedCopy', targetEnd: 8 },
    { type: 'unobserved', reason: 'something else' },
    { type: 'halt', reason: 'deleted' },
  ],
  'a copy with records proves its place before it goes on': [
    start,
    located(50, 3, 0, 60),
    proved(3, 60),
    fetched(50, 60, 60),
    appended(1),
  ],
  'a new leader epoch at the origin is proved before anything is fetched from it': [
    start,
    located(50, 3, 0, 60),
    proved(3, 60),
    { type: 'leaderEpoch', epoch: 3 },
    fetched(50, 60, 60),
    { type: 'leaderEpoch', epoch: 4 },
    appended(1),
    proved(3, 60),
  ],
  'an origin whose new leader has lost our records halts it': [
    start,
    located(50, 3, 0, 60),
    proved(3, 60),
    { type: 'leaderEpoch', epoch: 3 },
    fetched(50, 60, 60),
    { type: 'leaderEpoch', epoch: 4 },
    proved(3, 55),
    appended(1),
  ],
  'an origin that does not know our epoch halts it': [start, located(50, 3, 0, 60), proved(-1, -1)],
  'retention that has passed us halts it': [start, located(1_204, 3, 9_872, 12_000)],
  'a hole at the end of the origin advances the end without data': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    { type: 'end', highWatermark: 10, hole: true },
    appended(1),
    appended(2),
  ],
  'behind a hole the epoch of its leader is proved, or that of the last record': [
    start,
    located(0, -1, 0, 10),
    { type: 'leaderEpoch', epoch: 3 },
    fetched(0, 3, 10),
    { type: 'leaderEpoch', epoch: 4 },
    proved(3, 3),
    { type: 'end', highWatermark: 10, hole: true },
    { type: 'leaderEpoch', epoch: 5 },
    proved(-1, -1),
    proved(3, 10),
    { type: 'leaderEpoch', epoch: 6 },
    proved(3, 7),
  ],
  'a batch that begins behind the expected end leaves the hole of the origin': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    fetched(6, 10, 10),
  ],
  'a refused append begins anew once everything in flight has come back': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    fetched(3, 6, 10),
    { type: 'refused', id: 1, kind: 'other', reason: 'append: NOT_LEADER_OR_FOLLOWER' },
    fetched(6, 10, 10),
    { type: 'refused', id: 2, kind: 'mismatch', reason: 'the copy ends at 0, not at 3' },
    { type: 'retry' },
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    appended(3),
  ],
  'another mirror that was quicker is followed without delay': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    { type: 'refused', id: 1, kind: 'mismatch', reason: 'the copy ends at 6, not at 0' },
    { type: 'retry' },
    located(6, 3, 0, 10),
    proved(3, 10),
  ],
  'a copy of something else halts it': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    { type: 'refused', id: 1, kind: 'foreign', reason: 'append: INCONSISTENT_TOPIC_ID' },
  ],
  'fetching rests while too much is in flight': [
    start,
    located(0, -1, 0, 90),
    fetched(0, 30, 90, { sizeInBytes: 5 * MIB }),
    fetched(30, 60, 90, { sizeInBytes: 5 * MIB }),
    appended(1),
    appended(2),
  ],
  'questions that fail are asked again': [
    start,
    { type: 'failed', reason: 'no broker could be reached' },
    { type: 'retry' },
    located(50, 3, 0, 60),
    { type: 'failed', reason: 'no answer in time' },
    { type: 'retry' },
    located(50, 3, 0, 60),
    proved(3, 60),
    { type: 'end', highWatermark: 50, hole: false },
  ],
  'a batch inside of which our copy ends halts it': [start, located(5, -1, 0, 10), fetched(4, 8, 10)],
};

for (const [name, inputs] of Object.entries(SCENARIOS)) {
  test(name, async () => {
    await expect(transcript(inputs)).toMatchFileSnapshot(`../../testdata/${name.replaceAll(' ', '-')}.txt`);
  });
}

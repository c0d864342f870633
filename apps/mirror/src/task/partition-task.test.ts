/** Each transcript lists inputs and, indented below, the effects; `vitest -u` rewrites them, the diff is reviewed. */
import { batchBaseOffset } from '@meridian/protocol/record-batch';
import { expect, test } from 'vitest';
import type { GapPolicy } from '../gaps/gap-record.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { OpenTransaction } from './broken-transactions.ts';
import type { TaskEffect, TaskInput } from './messages.ts';
import { PartitionTask } from './partition-task.ts';

const MIB = 1024 * 1024;

function show(message: TaskInput | TaskEffect): string {
  const { type, ...rest } = message;
  const fields = Object.entries(rest).filter(
    ([name]) => !['buffers', 'timestampMs', 'answerBytes', 'copyEpoch'].includes(name),
  );
  const text = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : `${value}`);
  const own = 'buffers' in rest ? rest.buffers.map((bytes) => batchBaseOffset(bytes)) : [];
  if (own.length > 0) fields.push(['batches', own]);
  return [
    type,
    ...fields.map(([name, value]) => `${name}=${typeof value === 'string' ? `"${value}"` : text(value)}`),
  ].join(' ');
}

/** A number: so late it is by now. */
type Line = TaskInput | number;

function transcript(inputs: readonly Line[], startOffset: number): string {
  const task = new PartitionTask(DEFAULT_LIMITS, startOffset);
  let nowMs = 0;
  const lines = inputs.flatMap((input) => {
    if (typeof input === 'number') {
      nowMs = input;
      return [`at ${nowMs} ms`];
    }
    const effects = task.step(input, nowMs).map((effect) => `    ${show(effect)}`);
    const reason = task.reason === null ? '' : ` "${task.reason}"`;
    const state = `  = ${task.phase}${reason} position=${task.position} sent=${task.flow.sentEnd} verified=${task.verifiedOffset} source=${task.progress.sourceEnd}`;
    return [show(input), ...effects, state];
  });
  return `${lines.join('\n')}\n`;
}

const located = (targetEnd: number, lastEpoch: number, sourceStart: number, sourceEnd: number): TaskInput => ({
  type: 'located',
  copyEpoch: 1,
  copyStart: 0,
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
  logStartOffset: 0,
  timestampMs: 1_000,
  answerBytes: 100,
  ...more,
});
const end = (highWatermark: number, hole: boolean, logStartOffset = 0): TaskInput => {
  return { type: 'end', highWatermark, hole, logStartOffset };
};
const recorded = (policy: GapPolicy): TaskInput => ({ type: 'recorded', policy });
const broken = (...startOffsets: number[]): TaskInput => {
  const transactions = startOffsets.map((startOffset): OpenTransaction => {
    return {
      producerId: 7_000 + startOffset,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      lastTimestamp: 1_000,
      startOffset,
    };
  });
  return { type: 'broken', transactions };
};
const appended = (id: number): TaskInput => ({ type: 'appended', id });
const proved = (epoch: number, endOffset: number): TaskInput => ({ type: 'proved', epoch, endOffset });
const start: TaskInput = { type: 'start' };

const SCENARIOS: Record<string, readonly Line[]> = {
  'a fresh copy begins at the start of the origin and pipelines': [
    start,
    located(0, -1, 40, 60),
    { type: 'leaderEpoch', epoch: 3 },
    fetched(40, 50, 60),
    fetched(50, 60, 60),
    appended(1),
    appended(2),
    end(60, false),
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
    1_000,
    { type: 'retry' },
    located(60, 3, 0, 60),
    proved(3, 55),
  ],
  'a leader that was deposed and does not know it yet is not believed at once': [
    start,
    located(50, 5, 0, 60),
    proved(4, 45),
    500,
    { type: 'retry' },
    located(50, 5, 0, 60),
    proved(5, 60),
    2_000,
    { type: 'leaderEpoch', epoch: 5 },
    { type: 'leaderEpoch', epoch: 6 },
    proved(4, 45),
  ],
  'an origin that does not know our epoch halts it': [
    start,
    located(50, 3, 0, 60),
    proved(-1, -1),
    1_000,
    { type: 'retry' },
    located(50, 3, 0, 60),
    proved(-1, -1),
    recorded('halt'),
  ],
  'a copy whose leader is another is looked at again: what was acknowledged may have been lost with its power': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 6, 6),
    appended(1),
    { type: 'copyLed', leaderEpoch: 1 },
    { type: 'copyLed', leaderEpoch: 2 },
    { type: 'retry' },
    located(2, 3, 0, 6),
    proved(3, 6),
  ],
  'a target that lies about where its log ends is told, and asked ever less often': [
    start,
    located(6, 3, 0, 60),
    proved(3, 60),
    fetched(6, 9, 60),
    { type: 'refused', id: 1, kind: 'mismatch', reason: 'the copy ends at 2, not at 6' },
    { type: 'retry' },
    located(6, 3, 0, 60),
    proved(3, 60),
    fetched(6, 9, 60),
    { type: 'refused', id: 2, kind: 'mismatch', reason: 'the copy ends at 2, not at 6' },
    { type: 'retry' },
    located(6, 3, 0, 60),
    proved(3, 60),
  ],
  'retention that has passed us halts it': [start, located(1_204, 3, 9_872, 12_000)],
  'retention that has passed us is a gap on record before anything behind it is copied': [
    start,
    located(1_204, 3, 9_872, 12_000),
    { type: 'unrecorded', reason: 'no broker could be reached' },
    { type: 'retry' },
    recorded('mark-gap'),
    broken(),
    fetched(9_872, 9_880, 12_000, { logStartOffset: 9_872 }),
    appended(1),
    end(9_880, false, 9_872),
  ],
  'behind a lost range the first batch may begin inside of it, as DeleteRecords leaves it': [
    start,
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    broken(),
    fetched(200, 300, 300, { logStartOffset: 250 }),
    appended(1),
    end(300, false, 250),
  ],
  'behind a lost range with nothing after it the copy ends where the origin does': [
    start,
    located(200, 3, 250, 250),
    recorded('mark-gap'),
    broken(),
    end(250, false, 250),
    appended(1),
    end(250, false, 250),
  ],
  'a lost range that was marked is not lost again when the way breaks before anything behind it came': [
    start,
    located(200, 3, 250, 300),
    recorded('halt'),
    { type: 'decide', policy: 'mark-gap' },
    recorded('mark-gap'),
    broken(),
    { type: 'fetchFailed', kind: 'other', detail: 'the connection broke' },
    { type: 'retry' },
    located(200, 3, 250, 300),
    proved(3, 300),
    broken(),
    fetched(200, 300, 300, { logStartOffset: 250 }),
  ],
  'behind a lost range a leader that shows itself late is asked, and fetching goes on behind it': [
    start,
    { type: 'leaderEpoch', epoch: 3 },
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    broken(),
    { type: 'leaderEpoch', epoch: 3 },
    proved(3, 300),
    fetched(200, 300, 300, { logStartOffset: 250 }),
  ],
  'what the origin deletes behind a lost range before it came is another one': [
    start,
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    broken(),
    { type: 'retry' },
    { type: 'fetchFailed', kind: 'other', detail: 'OFFSET_OUT_OF_RANGE' },
    { type: 'retry' },
    located(200, 3, 270, 300),
    recorded('mark-gap'),
  ],
  'transactions whose end was lost are ended before what lies behind the range, the oldest first': [
    start,
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    broken(150, 120),
    fetched(250, 300, 300, { logStartOffset: 250 }),
    appended(1),
    fetched(300, 310, 310, { logStartOffset: 250 }),
  ],
  'they are ended also where nothing comes behind it': [
    start,
    located(200, 3, 250, 250),
    recorded('mark-gap'),
    broken(120),
    end(250, false, 250),
    appended(1),
  ],
  'which they are is asked again when that fails, and when what ended them did not arrive': [
    start,
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    { type: 'failed', reason: 'the producers of copy-0: NOT_LEADER_OR_FOLLOWER' },
    { type: 'retry' },
    located(200, 3, 250, 300),
    proved(3, 300),
    broken(120),
    fetched(250, 300, 300, { logStartOffset: 250 }),
    { type: 'refused', id: 1, kind: 'other', reason: 'no answer in time' },
    { type: 'retry' },
    located(200, 3, 250, 300),
    proved(3, 300),
    broken(120),
    fetched(250, 300, 300, { logStartOffset: 250 }),
    { type: 'refused', id: 2, kind: 'other', reason: 'no answer in time' },
    { type: 'retry' },
    located(300, 3, 250, 300),
    proved(3, 300),
  ],
  'no more of them are ended than offsets are free': [
    start,
    located(200, 3, 250, 300),
    recorded('mark-gap'),
    broken(150, 120, 130),
    fetched(202, 300, 300, { logStartOffset: 250 }),
  ],
  'what a policy halts somebody decides while it is halted': [
    start,
    located(1_204, 3, 9_872, 12_000),
    recorded('halt'),
    { type: 'decide', policy: 'mark-gap' },
    recorded('mark-gap'),
  ],
  'a decision that comes while the loss is being put on record is heard behind it': [
    start,
    located(1_204, 3, 9_872, 12_000),
    { type: 'decide', policy: 'mark-gap' },
    recorded('halt'),
    recorded('mark-gap'),
  ],
  'what is halted begins anew and finds out by itself whether it still has to be': [
    start,
    located(50, 3, 0, 60),
    proved(3, 40),
    1_000,
    { type: 'retry' },
    located(50, 3, 0, 60),
    proved(3, 40),
    recorded('halt'),
    start,
    located(50, 3, 0, 60),
    proved(3, 60),
  ],
  'an origin whose offsets begin anew is no gap but a new incarnation': [
    start,
    located(50, 3, 0, 60),
    proved(3, 60),
    { type: 'fetchFailed', kind: 'recreated', detail: 'the id is another' },
    { type: 'recreated', reason: 'the id is another' },
    recorded('mark-gap'),
    { type: 'retry' },
  ],
  'a pause lets what is in flight arrive and sends nothing more': [
    start,
    located(0, -1, 0, 60),
    fetched(0, 10, 60),
    { type: 'pause', reason: 'paused by the operator' },
    fetched(10, 20, 60),
    appended(1),
    { type: 'pause', reason: 'its lease is lost' },
    start,
    located(10, 3, 0, 60),
    proved(3, 60),
  ],
  'one that begins anew waits for what it had in flight': [
    start,
    located(0, -1, 0, 60),
    fetched(0, 10, 60),
    { type: 'pause', reason: 'paused by the operator' },
    start,
    appended(1),
    { type: 'retry' },
  ],
  'a copy that begins late starts where it was decided, and ends with the origin if there is nothing yet': [
    start,
    located(0, -1, 0, 60),
    end(60, false),
    appended(1),
    end(60, false),
  ],
  'what the origin deletes goes from the copy as soon as that has come so far': [
    start,
    located(20, 3, 10, 60),
    proved(3, 60),
    fetched(20, 40, 60, { logStartOffset: 30 }),
    appended(1),
    end(40, false, 30),
    end(40, false, 30),
  ],
  'a record too large is tried again, slowly, and told': [
    start,
    located(0, -1, 0, 60),
    fetched(0, 10, 60),
    { type: 'refused', id: 1, kind: 'too-large', reason: 'append: MESSAGE_TOO_LARGE' },
    { type: 'retry' },
    located(0, -1, 0, 60),
    fetched(0, 10, 60),
    appended(2),
  ],
  'a hole at the end of the origin advances the end without data': [
    start,
    located(0, -1, 0, 10),
    fetched(0, 3, 10),
    end(10, true),
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
    end(10, true),
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
    end(50, false),
  ],
  'a batch inside of which our copy ends halts it': [start, located(5, -1, 0, 10), fetched(4, 8, 10)],
};

const STARTS: Record<string, number> = {
  'a fresh copy begins at the start of the origin and pipelines': 40,
  'a copy that begins late starts where it was decided, and ends with the origin if there is nothing yet': 60,
};

for (const [name, inputs] of Object.entries(SCENARIOS)) {
  test(name, async () => {
    await expect(transcript(inputs, STARTS[name] ?? 0)).toMatchFileSnapshot(
      `../../testdata/${name.replaceAll(' ', '-')}.txt`,
    );
  });
}

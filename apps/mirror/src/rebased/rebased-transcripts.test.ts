/** Each transcript lists inputs and, indented below, the effects; `vitest -u` rewrites them, the diff is reviewed. */
import type { RunChange, StoredRun } from '@meridian/coordinates';
import { expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { MODEL_MEMORY } from './model-world.ts';
import type { RebasedEffect, RebasedInput, SourceBatch } from './rebased-messages.ts';
import { RebasedTask } from './rebased-task.ts';

const showRun = (run: StoredRun): string =>
  `(${run.originEpoch} ${run.originStart} ${run.localStart} ${run.count === 0 ? 'open' : run.count})`;
function showChange(change: RunChange): string {
  if (change.type === 'put') return showRun(change.run);
  const { type, ...rest } = change;
  return `${type} ${JSON.stringify(rest)}`;
}

function showValue(name: string, value: unknown): string {
  if (name === 'runs') return (value as StoredRun[]).map(showRun).join(' ');
  if (name === 'changes') return (value as RunChange[]).map(showChange).join(' ');
  if (name === 'batch') return `${(value as SourceBatch).baseOffset}..`;
  if (name === 'batches') {
    return (value as SourceBatch[]).map((each) => `${each.kind}:${each.baseOffset}..${each.nextOffset - 1}`).join(' ');
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function show({ type, ...rest }: RebasedInput | RebasedEffect): string {
  return [type, ...Object.entries(rest).map(([name, value]) => `${name}=${showValue(name, value)}`)].join(' ');
}

function transcript(inputs: readonly RebasedInput[]): string {
  const task = new RebasedTask(DEFAULT_LIMITS, MODEL_MEMORY, 40);
  let nowMs = 0;
  const lines = inputs.flatMap((input) => {
    if (input.type === 'retry') nowMs += DEFAULT_LIMITS.doubtMs;
    const effects = task.step(input, nowMs).map((effect) => `    ${show(effect)}`);
    const reason = task.reason === null ? '' : ` "${task.reason}"`;
    const { originEnd, localEnd } = task.ledger.table;
    return [
      show(input),
      ...effects,
      `  = ${task.phase}${reason} position=${task.position} ends=${originEnd}/${localEnd}`,
    ];
  });
  return `${lines.join('\n')}\n`;
}

const batch = (baseOffset: number, nextOffset: number, more: Partial<SourceBatch> = {}): SourceBatch => ({
  kind: 'data',
  epoch: 3,
  baseOffset,
  nextOffset,
  segments: [{ originStart: baseOffset, count: nextOffset - baseOffset }],
  sizeInBytes: 100,
  timestampMs: 1,
  bytes: Buffer.alloc(0),
  mergesAs: null,
  ...more,
});
const fetched = (...batches: SourceBatch[]): RebasedInput => ({
  type: 'fetched',
  batches,
  nextOffset: batches.at(-1)!.nextOffset,
  sizeInBytes: 100,
  sourceStart: 40,
  sourceEnd: 100,
});
const originStarts = (sourceStart: number, nextOffset: number): RebasedInput => {
  return { type: 'fetched', batches: [], nextOffset, sizeInBytes: 0, sourceStart, sourceEnd: 100 };
};
const fenced = (producerEpoch: number): RebasedInput => ({
  ...{ type: 'fenced', producerId: 77, producerEpoch },
  copyEpoch: 4,
});
const found = (more: object): RebasedInput => ({
  type: 'loaded',
  runs: [],
  lost: [],
  skipped: { originEnd: 40, localEnd: 0 },
  lastBatch: null,
  logStart: 0,
  logEnd: 1,
  sourceStart: 40,
  sourceEnd: 100,
  ...more,
});
const plain = (baseOffset: number, nextOffset: number, more: Partial<SourceBatch> = {}): SourceBatch =>
  batch(baseOffset, nextOffset, { mergesAs: 'none', ...more });
const tooLarge = (id: number): RebasedInput => ({
  type: 'refused',
  id,
  kind: 'too-large',
  reason: 'MESSAGE_TOO_LARGE',
});
const unanswered = (id: number): RebasedInput => ({ type: 'refused', id, kind: 'unanswered', reason: 'no answer' });
const saved = (id: number): RebasedInput => ({ type: 'saved', id });
const produced = (id: number, baseOffset: number): RebasedInput => ({ type: 'produced', id, baseOffset });

const tenure = { producerId: 77, producerEpoch: 0, localStart: 1 };
const run: StoredRun = { originEpoch: 3, originStart: 40, localStart: 1, count: 0, tenure };
const lastBatch = { baseOffset: 1, nextOffset: 11, producerId: 77, producerEpoch: 0, baseSequence: 0 };
const retry: RebasedInput = { type: 'retry' };
const fresh: RebasedInput[] = [{ type: 'start' }, fenced(0), found({})];
const takeOver = (more: object): RebasedInput[] => [{ type: 'start' }, fenced(1), found({ logEnd: 13, ...more })];
const proved: RebasedInput = { type: 'proved', epoch: 3, endOffset: 100 };

const SCENARIOS: Record<string, readonly RebasedInput[]> = {
  'a copy that begins behind the start of its origin says that nothing below is there': [
    { type: 'start' },
    fenced(0),
    found({ skipped: null }),
    fetched(batch(40, 50)),
  ],
  'what the origin deletes before anything was copied is lost all the same': [
    { type: 'start' },
    fenced(0),
    found({ skipped: null, sourceStart: 46 }),
  ],
  'a fresh copy writes its run ahead and pipelines batches': [
    ...fresh,
    fetched(...[40, 50, 60, 70, 80, 90].map((at) => batch(at, at + 10))),
    saved(1),
    produced(2, 1),
    produced(3, 11),
  ],
  'a crash before the run was written leaves nothing': [...takeOver({ logEnd: 2 }), fetched(batch(40, 50))],
  'a crash after the run was written and before its records landed drops the run': [
    ...takeOver({ runs: [run], logEnd: 2 }),
    fetched(batch(40, 50)),
    saved(1),
    produced(2, 2),
  ],
  'a crash after records landed goes on behind them': [
    ...takeOver({ runs: [run], lastBatch }),
    proved,
    fetched(batch(50, 60)),
    saved(1),
    produced(2, 13),
  ],
  'control batches, aborted data and what compaction took begin runs and are not sent': [
    ...fresh,
    fetched(
      batch(40, 50),
      batch(50, 51, { kind: 'control' }),
      batch(51, 55, {
        segments: [
          { originStart: 52, count: 1 },
          { originStart: 54, count: 1 },
        ],
      }),
      batch(55, 57, { kind: 'aborted' }),
    ),
    saved(1),
    produced(2, 1),
    produced(3, 11),
  ],
  'an answer that is lost is asked for again under the same sequence': [
    ...fresh,
    fetched(batch(40, 50), batch(50, 60)),
    saved(1),
    unanswered(2),
    { type: 'refused', id: 3, kind: 'sequence', reason: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
    retry,
    produced(4, 1),
    produced(5, 11),
  ],
  'a broker that does not know where we are is fenced anew': [
    ...fresh,
    fetched(batch(40, 50)),
    saved(1),
    { type: 'refused', id: 2, kind: 'sequence', reason: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
    retry,
    fenced(1),
  ],
  'a batch that lands elsewhere halts it': [...fresh, fetched(batch(40, 50)), saved(1), produced(2, 4)],
  'a task that was fenced off stands back': [
    ...fresh,
    fetched(batch(40, 50)),
    { type: 'refused', id: 1, kind: 'superseded', reason: 'INVALID_PRODUCER_EPOCH' },
    retry,
  ],
  'retention that has passed us halts it': takeOver({ runs: [run], lastBatch, sourceStart: 60 }),
  'an origin that has lost our records halts it': [
    ...takeOver({ runs: [run], lastBatch }),
    { type: 'proved', epoch: 3, endOffset: 45 },
    retry,
    { type: 'proved', epoch: 3, endOffset: 45 },
    { type: 'recorded', policy: 'halt' },
  ],
  'retention that has passed us is marked and gone beyond where the policy says so': [
    ...takeOver({ runs: [run], lastBatch, sourceStart: 60 }),
    { type: 'recorded', policy: 'mark-gap' },
    saved(1),
    fetched(batch(60, 70)),
    saved(2),
    produced(3, 13),
  ],
  'a gap that was marked and a trailing marker are known after a restart': [
    ...takeOver({
      runs: [run],
      lastBatch,
      lost: [{ from: 50, to: 59 }],
      skipped: { originEnd: 61, localEnd: 11 },
      sourceStart: 61,
    }),
    proved,
  ],
  'a marker at the end of the origin is on record once nothing comes behind it': [
    ...fresh,
    fetched(batch(40, 50), batch(50, 51, { kind: 'control' })),
    saved(1),
    produced(2, 1),
    originStarts(40, 51),
    originStarts(40, 51),
  ],
  'a task that is paused counts what lands and sends nothing': [
    ...fresh,
    fetched(batch(40, 50)),
    saved(1),
    { type: 'pause', reason: 'lost its lease' },
    produced(2, 1),
    { type: 'start' },
  ],
  'the last epoch of a producer id is handed back unused': [{ type: 'start' }, fenced(32_766), fenced(0)],
  'a log that was cut at the target is gone on with where it ends': [
    ...fresh,
    fetched(batch(40, 50), batch(50, 60)),
    saved(1),
    produced(2, 1),
    produced(3, 11),
    fetched(batch(60, 70)),
    { type: 'refused', id: 4, kind: 'sequence', reason: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
    retry,
    fenced(1),
    found({ runs: [run], lastBatch, logEnd: 12 }),
    proved,
    fetched(batch(50, 60)),
  ],
  'a copy with another leader is looked at again, also while nothing comes': [
    ...fresh,
    { type: 'copyLed', leaderEpoch: 4 },
    { type: 'copyLed', leaderEpoch: 5 },
    fenced(1),
    { type: 'copyLed', leaderEpoch: 4 },
  ],
  'what the origin deletes is deleted but for the last record': [
    ...fresh,
    fetched(batch(40, 50), batch(50, 60)),
    saved(1),
    produced(2, 1),
    produced(3, 11),
    originStarts(45, 60),
    originStarts(60, 60),
  ],
  'batches that wait together go as one, and as the same one again when no answer comes': [
    ...fresh,
    fetched(plain(40, 50), plain(50, 60), plain(60, 70)),
    saved(1),
    unanswered(2),
    fetched(plain(70, 80)),
    retry,
    produced(3, 1),
    produced(4, 31),
  ],
  'a crash with a merged batch in doubt goes on behind it if it has landed': [
    ...fresh,
    fetched(plain(40, 50), plain(50, 60), plain(60, 70)),
    saved(1),
    { type: 'start' },
    fenced(1),
    found({ runs: [run], lastBatch: { ...lastBatch, nextOffset: 31 }, logEnd: 32 }),
    proved,
  ],
  'a crash with a merged batch in doubt begins it anew if it has not': [
    ...fresh,
    fetched(plain(40, 50), plain(50, 60), plain(60, 70)),
    saved(1),
    { type: 'start' },
    fenced(1),
    found({ runs: [run], logEnd: 2 }),
    fetched(plain(40, 50), plain(50, 60)),
    saved(3),
    produced(4, 2),
  ],
  'batches of two runs, of two epochs and of two codecs do not become one': [
    ...fresh,
    fetched(
      ...[plain(40, 50), batch(50, 51, { kind: 'control' }), plain(51, 55), plain(55, 60, { epoch: 4 })],
      ...[plain(60, 70, { epoch: 4, mergesAs: 'lz4' }), plain(70, 80, { epoch: 4, mergesAs: 'lz4' })],
    ),
    saved(1),
  ],
  'a batch that is too large goes in halves, and those behind it become no larger': [
    ...fresh,
    fetched(plain(40, 50), plain(50, 60), plain(60, 70), plain(70, 80)),
    saved(1),
    tooLarge(2),
    retry,
    produced(3, 1),
    produced(4, 21),
    fetched(plain(80, 90), plain(90, 100), plain(100, 110)),
  ],
  'of a batch that is too large the half with the large record is halved until that stands alone': [
    ...fresh,
    fetched(batch(40, 43)),
    saved(1),
    tooLarge(2),
    retry,
    produced(3, 1),
    tooLarge(4),
    retry,
    produced(5, 2),
    tooLarge(6),
    retry,
  ],
  'while much is on its way a batch waits for an answer, and grows': [
    ...fresh,
    fetched(plain(40, 41)),
    saved(1),
    ...Array.from({ length: 9 }, (_, at) => fetched(plain(41 + at, 42 + at))),
    produced(2, 1),
    produced(3, 2),
  ],
};

for (const [name, inputs] of Object.entries(SCENARIOS)) {
  test(name, async () => {
    await expect(transcript(inputs)).toMatchFileSnapshot(`../../testdata/runs-${name.replaceAll(' ', '-')}.txt`);
  });
}

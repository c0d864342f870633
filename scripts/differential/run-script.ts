/**
 * Runs one script against both brokers, step by step, and stops at the first difference that is not meant. Called by
 * `lanes.ts` and, for parts of a script, by `story.ts`.
 */
import { type Api, DescribeGroups, ERROR, ListGroups } from '@meridian/protocol';
import { CLOSED, SILENT } from './broker-connection.ts';
import { type Difference, differencesOf } from './differences.ts';
import { MEANT_DIFFERENCES } from './meant-differences.ts';
import { IdNames, normalise } from './normalise.ts';
import { type Pair, pause, removeTopics, settle, stirGroups } from './settle.ts';
import type { Side } from './side.ts';
import type { Step } from './step.ts';

const READ_ATTEMPTS = 100;
const READ_PAUSE_MS = 40;
/** Until a request that is not waited for has certainly been taken in. */
const SEND_PAUSE_MS = 60;

const SHOW_GROUPS: readonly Api[] = [DescribeGroups, ListGroups];

export interface Failure {
  /** Which step. */
  readonly at: number;
  readonly differences: readonly Difference[];
}

export interface Outcome {
  /** Number of steps that ran on both. */
  readonly ran: number;
  /** APIs of the steps whose version one of the two does not serve. */
  readonly skipped: readonly string[];
  /** Reasons of the meant differences that were met. */
  readonly meant: ReadonlySet<string>;
  readonly failure?: Failure;
}

interface Run {
  readonly pair: Pair;
  readonly names: { readonly ours: IdNames; readonly theirs: IdNames };
  readonly meant: Set<string>;
  readonly readAttempts: number;
}

export async function runScript(
  steps: readonly Step[],
  pair: Pair,
  topics: readonly string[],
  readAttempts = READ_ATTEMPTS,
): Promise<Outcome> {
  await Promise.all([pair.ours.begin(), pair.theirs.begin()]);
  try {
    return await runSteps(steps, pair, topics, readAttempts);
  } finally {
    await removeTopics(pair, topics);
  }
}

async function runSteps(
  steps: readonly Step[],
  pair: Pair,
  topics: readonly string[],
  readAttempts: number,
): Promise<Outcome> {
  const names = { ours: new IdNames(), theirs: new IdNames() };
  const run: Run = { pair, names, meant: new Set(), readAttempts };
  const skipped: string[] = [];
  let ran = 0;
  for (const [at, step] of steps.entries()) {
    if (![pair.ours, pair.theirs].every((side) => serves(side, step))) {
      skipped.push(step.api.name);
      continue;
    }
    const differences = await runStep(step, run);
    ran++;
    if (differences.length > 0) return { ran, skipped, meant: run.meant, failure: { at, differences } };
    if (step.changesMetadata) await settle(pair, run.names, topics);
  }
  return { ran, skipped, meant: run.meant };
}

function serves(side: Side, { api, version }: Step): boolean {
  const served = side.versions.get(api.key);
  return served !== undefined && version >= served.min && version <= served.max;
}

async function runStep(step: Step, { pair, names, meant, readAttempts }: Run): Promise<readonly Difference[]> {
  if (step.pauseMs > 0) await pause(step.pauseMs);
  if (step.mode === 'send') {
    for (const side of [pair.ours, pair.theirs]) side.park(step.connection, request(step, side));
    await pause(SEND_PAUSE_MS);
    return [];
  }
  for (let attempt = 1; ; attempt++) {
    const [ours, theirs] = await Promise.all([ask(step, pair.ours, names.ours), ask(step, pair.theirs, names.theirs)]);
    const all = differencesOf(ours, theirs);
    const reasons = all.map((each) => MEANT_DIFFERENCES.find(({ matches }) => matches(step, each, all))?.reason);
    const differences = all.filter((_, i) => reasons[i] === undefined);
    if (differences.length > 0 && step.isRead && attempt < readAttempts) {
      if (attempt === 2 && SHOW_GROUPS.includes(step.api)) await stirGroups(pair);
      await pause(READ_PAUSE_MS);
      continue;
    }
    for (const reason of reasons) if (reason !== undefined) meant.add(reason);
    return differences;
  }
}

function request({ api, version, body, connection, limitMs }: Step, side: Side): Promise<unknown> {
  return side.request(api, version, body(side), { connection, ...(limitMs === undefined ? {} : { limitMs }) });
}

async function ask(step: Step, side: Side, names: IdNames): Promise<unknown> {
  let answer = await (step.mode === 'collect' ? side.collect(step.connection) : request(step, side));
  for (let attempt = 0; attempt < READ_ATTEMPTS && isTooEarly(answer); attempt++) {
    await pause(READ_PAUSE_MS);
    answer = await request(step, side);
  }
  if (answer === CLOSED) return 'closed';
  if (answer === SILENT) return 'silent';
  if (typeof answer === 'string') return answer;
  step.keep?.(side, answer as never);
  return normalise(step.narrow?.(answer as never, side) ?? answer, names);
}

/** A new partition has no leader for a moment in Apache Kafka; nothing came of the request then. */
function isTooEarly(answer: unknown): boolean {
  const { responses } = answer as { responses?: { partitionResponses?: { errorCode: number }[] }[] };
  const codes = responses?.flatMap(({ partitionResponses = [] }) =>
    partitionResponses.map(({ errorCode }) => errorCode),
  );
  return codes?.includes(ERROR.NOT_LEADER_OR_FOLLOWER) ?? false;
}

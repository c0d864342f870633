/**
 * Runs one script against both brokers, step by step, and stops at the first difference that is not meant: what led
 * there is the shortest prefix that shows it.
 */
import { DescribeConfigs, ERROR, Metadata, type RequestInput } from '@meridian/protocol';
import { type Difference, differencesOf } from './differences.ts';
import { MEANT_DIFFERENCES } from './meant-differences.ts';
import { IdNames, normalise } from './normalise.ts';
import { CLOSED, type Side } from './side.ts';
import type { Step } from './step.ts';

const READ_ATTEMPTS = 40;
const READ_PAUSE_MS = 40;
const SETTLE_ATTEMPTS = 40;
const SETTLE_PAUSE_MS = 25;
const TOPIC = 2;

export interface Outcome {
  /** Number of steps that ran on both. */
  readonly ran: number;
  /** APIs of the steps whose version one of the two does not serve. */
  readonly skipped: readonly string[];
  readonly failure?: { readonly at: number; readonly differences: readonly Difference[] };
}

interface Pair {
  readonly ours: Side;
  readonly theirs: Side;
}

interface Names {
  readonly ours: IdNames;
  readonly theirs: IdNames;
}

export async function runScript(steps: readonly Step[], pair: Pair, topics: readonly string[]): Promise<Outcome> {
  await Promise.all([pair.ours.begin(), pair.theirs.begin()]);
  const names = { ours: new IdNames(), theirs: new IdNames() };
  const skipped: string[] = [];
  let ran = 0;
  for (const [at, step] of steps.entries()) {
    if (![pair.ours, pair.theirs].every((side) => serves(side, step))) {
      skipped.push(step.api.name);
      continue;
    }
    const differences = await runStep(step, pair, names);
    ran++;
    if (differences.length > 0) return { ran, skipped, failure: { at, differences } };
    if (step.changesMetadata) await settle(pair, names, topics);
  }
  return { ran, skipped };
}

function serves(side: Side, { api, version }: Step): boolean {
  const served = side.versions.get(api.key);
  return served !== undefined && version >= served.min && version <= served.max;
}

async function runStep(step: Step, pair: Pair, names: Names): Promise<Difference[]> {
  for (let attempt = 1; ; attempt++) {
    const [ours, theirs] = await Promise.all([ask(step, pair.ours, names.ours), ask(step, pair.theirs, names.theirs)]);
    const all = differencesOf(ours, theirs);
    const differences = all.filter((each) => !MEANT_DIFFERENCES.some((meant) => meant.matches(step, each, all)));
    if (differences.length === 0 || !step.isRead || attempt === READ_ATTEMPTS) return differences;
    await pause(READ_PAUSE_MS);
  }
}

async function ask(step: Step, side: Side, names: IdNames): Promise<unknown> {
  let answer = await side.request(step.api, step.version, step.body(side));
  for (let attempt = 0; attempt < READ_ATTEMPTS && isTooEarly(answer); attempt++) {
    await pause(READ_PAUSE_MS);
    answer = await side.request(step.api, step.version, step.body(side));
  }
  if (answer === CLOSED) return 'closed';
  step.keep?.(side, answer as never);
  return normalise(step.narrow?.(answer as never) ?? answer, names);
}

/** A new partition has no leader for a moment in Apache Kafka; nothing came of the request then. */
function isTooEarly(answer: unknown): boolean {
  const { responses } = answer as { responses?: { partitionResponses?: { errorCode: number }[] }[] };
  const codes = responses?.flatMap(({ partitionResponses = [] }) =>
    partitionResponses.map(({ errorCode }) => errorCode),
  );
  return codes?.includes(ERROR.NOT_LEADER_OR_FOLLOWER) ?? false;
}

/** Waits until Apache Kafka shows the topics and configs that its controller already answered for. */
async function settle({ ours, theirs }: Pair, names: Names, topics: readonly string[]): Promise<void> {
  for (let attempt = 0; attempt < SETTLE_ATTEMPTS; attempt++) {
    const [mine, other] = await Promise.all([stateOf(ours, topics), stateOf(theirs, topics)]);
    if (mine === other) break;
    await pause(SETTLE_PAUSE_MS);
  }
  await pause(SETTLE_PAUSE_MS);
  for (const name of topics) {
    names.ours.nameOf('topic', ours.topicId(name));
    names.theirs.nameOf('topic', theirs.topicId(name));
  }
}

async function stateOf(side: Side, topics: readonly string[]): Promise<string> {
  const names = new IdNames();
  const metadata = await side.request(Metadata, 12, {
    topics: topics.map((name) => ({ name })),
    allowAutoTopicCreation: false,
  });
  if (metadata === CLOSED) return 'closed';
  for (const { name, topicId, errorCode } of metadata.topics) {
    if (errorCode === ERROR.NONE) side.topicIds.set(name ?? '', topicId);
  }
  const known = metadata.topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length]);
  const resources: RequestInput<typeof DescribeConfigs>['resources'] = topics.map((resourceName) => ({
    resourceType: TOPIC,
    resourceName,
    configurationKeys: null,
  }));
  const configs = await side.request(DescribeConfigs, 4, { resources });
  if (configs === CLOSED) return 'closed';
  const set = configs.results.map(({ resourceName, configs: all }) => [
    resourceName,
    all.filter(({ configSource }) => configSource === 1).map(({ name, value }) => `${name}=${value}`),
  ]);
  return JSON.stringify(normalise([known.map(String).sort(), set.map(String).sort()], names));
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/**
 * `npm run compat -- differential --scripts 200 --seed N`: random scripts go to a Meridian broker and to Apache Kafka
 * side by side. A script that differs prints its seed and its steps up to the difference; it is run again alone by
 * `--scripts 1 --seed <its seed>`.
 */
import { inspect, parseArgs } from 'node:util';
import { FindCoordinator, InitProducerId } from '@meridian/protocol';
import { startKafka } from '../peers/kafka.ts';
import type { Difference } from './differences.ts';
import { startMeridianBroker } from './meridian-broker.ts';
import { type Outcome, runScript } from './run-script.ts';
import { drawScript } from './script.ts';
import { CLOSED, Side } from './side.ts';
import type { Step } from './step.ts';

const MERIDIAN_PORT = 27_092;
const KAFKA_PORT = 28_092;
const MAX_SHOWN_KINDS = 20;

/** What both have to have the same for the same answers. */
const KAFKA_PROPERTIES = {
  'num.partitions': 1,
  'auto.create.topics.enable': 'true',
  'offsets.topic.num.partitions': 5,
};

/** Runs the scripts; resolves with how many passed and failed. */
export async function runDifferential(args: readonly string[]): Promise<{ passed: number; failed: number }> {
  const { values } = parseArgs({
    args: [...args],
    options: { scripts: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
  });
  const meridian = await startMeridianBroker(MERIDIAN_PORT);
  try {
    const kafka = await startKafka({ port: KAFKA_PORT, properties: KAFKA_PROPERTIES });
    try {
      return await runAll(Number(values.seed), Number(values.scripts));
    } finally {
      await kafka.stop();
    }
  } finally {
    await meridian.stop();
  }
}

async function runAll(firstSeed: number, count: number): Promise<{ passed: number; failed: number }> {
  const pair = { ours: new Side('Meridian', MERIDIAN_PORT), theirs: new Side('Apache Kafka', KAFKA_PORT) };
  await Promise.all([pair.ours, pair.theirs].map(warmUp));
  const now = Date.now();
  const skipped = new Map<string, number>();
  const shown = new Set<string>();
  let passed = 0;
  let failed = 0;
  let steps = 0;
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const script = drawScript(seed, now);
    const topics = [0, 1, 2].map((n) => `d${seed}-t${n}`);
    const outcome = await runScript(script, pair, topics);
    steps += outcome.ran;
    for (const name of outcome.skipped) skipped.set(name, (skipped.get(name) ?? 0) + 1);
    if (outcome.failure === undefined) {
      passed++;
      continue;
    }
    failed++;
    const kind = kindOf(script[outcome.failure.at]!, outcome.failure.differences[0]!);
    console.log(`not ok differential: script ${seed} differs at step ${outcome.failure.at}: ${kind}`);
    if (!shown.has(kind) && shown.add(kind).size <= MAX_SHOWN_KINDS) show(script, outcome, pair.ours);
  }
  pair.ours.end();
  pair.theirs.end();
  for (const [name, times] of skipped) console.log(`not ok differential: ${name} is not served (${times} steps)`);
  console.log(`${passed ? 'ok' : 'not ok'} differential: ${passed} of ${count} scripts agree, ${steps} steps`);
  return { passed, failed: failed + skipped.size };
}

/** Groups are served once the coordinator's own topic is there, producer ids once the first block is. */
async function warmUp(side: Side): Promise<void> {
  const transactionTimeoutMs = 60_000;
  for (let attempt = 0; attempt < 100; attempt++) {
    const found = await side.request(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['any'] });
    const made = await side.request(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs });
    const hasGroups = found !== CLOSED && found.coordinators[0]?.errorCode === 0;
    if (hasGroups && made !== CLOSED && made.errorCode === 0) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${side.name} has no group coordinator`);
}

/** Scripts that fail in one way share this; only the first of them shows its steps. */
function kindOf({ api }: Step, { path, ours, theirs }: Difference): string {
  return `${api.name} ${path.replace(/\bd\d+-/g, '').replace(/\[\d+\]/g, '[]')}: ${brief(ours, 80)}, not ${brief(theirs, 80)}`;
}

function show(script: readonly Step[], { failure }: Outcome, side: Side): void {
  const { at, differences } = failure!;
  for (const [n, step] of script.slice(0, at + 1).entries()) {
    console.log(`  ${n}. ${step.api.name} v${step.version} ${brief(step.body(side), n === at ? 600 : 160)}`);
  }
  for (const { path, ours, theirs } of differences.slice(0, 8)) {
    console.log(`  ${path || '(the answer)'}: Meridian ${brief(ours, 300)}, Apache Kafka ${brief(theirs, 300)}`);
  }
}

function brief(value: unknown, length: number): string {
  const text = inspect(value, { depth: 8, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 60 });
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

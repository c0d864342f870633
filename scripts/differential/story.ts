/**
 * Tells a difference in as few steps as show it: steps before it are left out one after another, as long as the same
 * difference stays. Called by `differential.ts`.
 */
import { brief, kindOf, kindOfRan, type Ran } from './ran.ts';
import { type Failure, runScript } from './run-script.ts';
import { drawScript } from './script.ts';
import type { Pair } from './settle.ts';
import type { Step } from './step.ts';

const MAX_DIFFERENCES = 8;
/** Fewer than when it counts. */
const READ_ATTEMPTS = 15;

/** Prints the shortest story of the failure that was found by leaving steps out. */
export async function tell(ran: Ran, pair: Pair): Promise<void> {
  const last = ran.outcome.failure!.at;
  let kept = Array.from({ length: last + 1 }, (_, n) => n);
  let failure: Failure = ran.outcome.failure!;
  let steps = ran.script.steps.slice(0, last + 1);
  for (let left = last - 1, tries = 0; left >= 0; left--) {
    const chosen = kept.filter((n) => n !== left);
    const script = drawScript(ran.seed, Date.now(), `s${tries++}`);
    const fewer = chosen.map((n) => script.steps[n]!);
    const { failure: found } = await runScript(fewer, pair, script.topics, READ_ATTEMPTS);
    if (found?.at !== fewer.length - 1 || differs(ran, fewer[found.at]!, found)) continue;
    kept = chosen;
    failure = found;
    steps = fewer;
  }
  await runScript(steps, pair, ran.script.topics, READ_ATTEMPTS); // what the bodies below say is what was last asked
  for (const [n, step] of steps.entries()) {
    const { mode, connection, pauseMs, api, version } = step;
    const how = `${pauseMs > 0 ? `after ${pauseMs} ms ` : ''}${mode === 'ask' ? '' : `${mode} `}${connection || ''}`;
    const body = brief(step.body(pair.ours), n === failure.at ? 600 : 240);
    console.log(`  ${kept[n]}. ${how}${how === '' ? '' : ' '}${api.name} v${version} ${body}`);
  }
  for (const { path, ours, theirs } of failure.differences.slice(0, MAX_DIFFERENCES)) {
    console.log(`  ${path || '(the answer)'}: Meridian ${brief(ours, 300)}, Apache Kafka ${brief(theirs, 300)}`);
  }
}

function differs(ran: Ran, step: Step, { differences }: Failure): boolean {
  return kindOf(step, differences[0]!) !== kindOfRan(ran);
}

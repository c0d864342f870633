/**
 * `npm run compat -- differential --scripts 200 --seed N`: random scripts go to a Meridian broker and to Apache Kafka
 * side by side. A script that differs prints its seed and the shortest story that shows it; it is run again alone by
 * `--scripts 1 --seed <its seed>`. `--meridian` and `--kafka` name ports of brokers that run already.
 */
import { parseArgs } from 'node:util';
import { type Ports, withBrokers } from './brokers.ts';
import { endPair, pairAt, type Results, runScripts } from './lanes.ts';
import { kindOfRan } from './ran.ts';
import { tell } from './story.ts';

/** Runs the scripts; resolves with how many passed and failed. */
export async function runDifferential(args: readonly string[]): Promise<{ passed: number; failed: number }> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scripts: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      lanes: { type: 'string', default: '12' },
      meridian: { type: 'string' },
      kafka: { type: 'string' },
      stories: { type: 'string', default: '12' },
    },
  });
  const given = {
    ...(values.meridian === undefined ? {} : { ours: Number(values.meridian) }),
    ...(values.kafka === undefined ? {} : { theirs: Number(values.kafka) }),
  };
  return withBrokers(given, async (ports) => {
    const began = performance.now();
    const results = await runScripts(ports, Number(values.seed), Number(values.scripts), Number(values.lanes));
    await report(results, ports, Number(values.stories), (performance.now() - began) / 1_000);
    return {
      passed: results.agreed + results.unsteady.length,
      failed: results.differing.length + results.skipped.size,
    };
  });
}

async function report(results: Results, ports: Ports, stories: number, seconds: number): Promise<void> {
  const { differing, unsteady, skipped, meant } = results;
  const told = new Set<string>();
  const pair = pairAt(ports);
  for (const ran of differing) {
    const kind = kindOfRan(ran);
    console.log(`not ok differential: script ${ran.seed} differs at step ${ran.outcome.failure!.at}: ${kind}`);
  }
  for (const ran of differing) {
    const kind = kindOfRan(ran);
    if (told.has(kind) || told.add(kind).size > stories) continue;
    console.log(`script ${ran.seed}, in as few steps as show it: ${kind}`);
    await tell(ran, pair);
  }
  endPair(pair);
  for (const ran of unsteady)
    console.log(`unsteady differential: script ${ran.seed} agreed when run again: ${kindOfRan(ran)}`);
  for (const [name, times] of skipped) console.log(`not ok differential: ${name} is not served (${times} steps)`);
  for (const [reason, scripts] of meant) console.log(`meant, in ${scripts} scripts: ${reason}`);
  const { agreed, steps } = results;
  const count = agreed + unsteady.length + differing.length;
  const word = differing.length + skipped.size === 0 ? 'ok' : 'not ok';
  console.log(
    `${word} differential: ${agreed + unsteady.length} of ${count} scripts agree (${unsteady.length} when run again), ` +
      `${differing.length} differ; ${steps} steps in ${seconds.toFixed(0)} s`,
  );
}

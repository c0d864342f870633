/**
 * `npm run sim`: a whole geo-cluster in one process, from one seed.
 *   --seed N      one run; prints its seed, trace hash and what happened
 *   --seeds N     seeds 1..N (or from --from)
 *   --twice       runs each seed twice and compares the hashes
 *   --trace FILE  writes every event of the run, one a line
 *   --crash-images N  no cluster: so many crash images of a log dir (from --from); one of them with --seed
 * Exit code 1 if a checker found a violation or a hash differed.
 */
import { parseArgs } from 'node:util';
import { createRealIo } from '@meridian/io/real';
import { campaign } from './crash-images/campaign.ts';
import { type Report, runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    twice: { type: 'boolean', default: false },
    trace: { type: 'string' },
    'crash-images': { type: 'string' },
  },
});
const first = Number(values.seed ?? values.from);
const wanted = values['crash-images'] ?? values.seeds ?? 1;
const count = values.seed === undefined ? Number(wanted) : 1;
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error(
    'usage: npm run sim -- --seed N | --seeds N [--from N] [--twice] [--trace FILE] | --crash-images N [--from N]',
  );
  process.exit(2);
}

if (values['crash-images'] !== undefined) process.exit((await campaign(first, count, console.log)) ? 0 : 1);

const lines: string[] = [];
const faults = new Map<string, number>();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const report = await runSeed(seed, values.trace === undefined ? undefined : (line) => lines.push(line));
  const again = values.twice ? await runSeed(seed) : report;
  if (again.hash !== report.hash) report.violations.push(`the second run's hash is ${again.hash}`);
  for (const [name, times] of report.faults) faults.set(name, (faults.get(name) ?? 0) + times);
  print(report);
  if (report.violations.length > 0) failed++;
}
if (values.trace !== undefined) createRealIo().disk.replaceFile(values.trace, Buffer.from(`${lines.join('\n')}\n`));
console.log(
  `faults: ${[...faults]
    .sort()
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')}`,
);
console.log(`${count - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function print({ seed, hash, tookMs, acknowledged, delivered, violations }: Report): void {
  console.log(`seed ${seed} hash ${hash} ${acknowledged} acknowledged, ${delivered} delivered, ${tookMs} virtual ms`);
  for (const violation of violations) console.log(`  VIOLATION ${violation}`);
  if (violations.length > 0) console.log(`  again with: npm run sim -- --seed ${seed} --trace FILE`);
}

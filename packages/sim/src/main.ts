/**
 * `npm run sim`: a whole geo-cluster in one process, from one seed.
 *   --seed N      one run; prints its seed, trace hash and what happened
 *   --seeds N     seeds 1..N (or from --from)
 *   --twice       runs each seed twice and compares the hashes
 *   --trace FILE  writes every event of the run, one a line
 *   --cluster     instead: one region of three brokers and three controllers, with its invariants and rare situations;
 *                 many seeds in --workers N processes (2); --faults N strikes only the first N faults of a seed's storm
 *   --geo3        instead: three regions that mirror one another, each on our brokers or on a twin of Apache Kafka; as many
 *                 seeds as it takes for --failovers N
 *   --planted     puts bugs into the region, one after another, and says which of them --seeds N seeds find; --only NAME,…
 *   --crash-images N  no cluster: so many crash images of a log dir (from --from); one of them with --seed
 * Exit code 1 if a checker found a violation or a hash differed.
 */
import { parseArgs } from 'node:util';
import { createRealIo } from '@meridian/io/real';
import { clusterCampaign, reportLines } from './cluster/campaign.ts';
import { CAMPAIGN } from './cluster/limits.ts';
import { runCluster } from './cluster/run-cluster.ts';
import { campaign } from './crash-images/campaign.ts';
import { asReport, geoCampaign, geoLines } from './geo/campaign.ts';
import { runGeo } from './geo/run-geo.ts';
import { plantedCampaign } from './planted/planted-campaign.ts';
import { type Report, runSeed } from './run.ts';
import { serveSeeds } from './serve-seeds.ts';

const USAGE = `usage: npm run sim -- [--cluster | --geo3] --seed N | --seeds N [--from N] [--twice] [--trace FILE] [--workers N] [--faults N]
       npm run sim -- --geo3 --failovers N
       npm run sim -- --planted [--seeds N] [--only NAME,…] | --crash-images N [--from N]`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    twice: { type: 'boolean', default: false },
    trace: { type: 'string' },
    cluster: { type: 'boolean', default: false },
    geo3: { type: 'boolean', default: false },
    failovers: { type: 'string' },
    worker: { type: 'boolean', default: false },
    workers: { type: 'string', default: String(CAMPAIGN.workers) },
    faults: { type: 'string' },
    planted: { type: 'boolean', default: false },
    only: { type: 'string' },
    'crash-images': { type: 'string' },
  },
});
const first = Number(values.seed ?? values.from);
const wanted = values['crash-images'] ?? values.seeds ?? (values.planted ? CAMPAIGN.plantedSeeds : 1);
const count = values.seed === undefined ? Number(wanted) : 1;
const workers = Number(values.workers);
if (![first, count, workers].every(Number.isSafeInteger) || count < 1 || workers < 1) {
  console.error(USAGE);
  process.exit(2);
}
const lines: string[] = [];
const onTrace = values.trace === undefined ? undefined : (line: string) => void lines.push(line);
const { twice, only } = values;

if (values.worker) serveSeeds();
else process.exit((await run()) ? 0 : 1);

async function run(): Promise<boolean> {
  if (values['crash-images'] !== undefined) return campaign(first, count, console.log);
  if (values.planted) return plantedCampaign({ from: first, count, workers, only, print: console.log });
  if (values.geo3) return threeRegions();
  if (!values.cluster) return regions();
  if (count > 1 || twice) return clusterCampaign({ from: first, count, twice, workers, print: console.log });
  return oneRegion();
}

async function threeRegions(): Promise<boolean> {
  const failOvers = values.failovers === undefined ? undefined : Number(values.failovers);
  if (count > 1 || twice || failOvers !== undefined)
    return geoCampaign({ from: first, count, failOvers, twice, workers, print: console.log });
  const report = asReport(await runGeo(first, { onTrace }));
  writeTrace();
  for (const line of [...geoLines(report), JSON.stringify(report.faults), JSON.stringify(report.sightings)])
    console.log(line);
  return report.violations.length === 0;
}

/** In this process, so that a trace can be written and a debugger attached. */
async function oneRegion(): Promise<boolean> {
  const maxFaults = values.faults === undefined ? undefined : Number(values.faults);
  const report = await runCluster(first, { onTrace, maxFaults });
  writeTrace();
  for (const line of reportLines(report)) console.log(line);
  console.log(JSON.stringify(report.faults));
  console.log(JSON.stringify(report.sightings));
  return report.violations.length === 0;
}

async function regions(): Promise<boolean> {
  const faults = new Map<string, number>();
  let failed = 0;
  for (let seed = first; seed < first + count; seed++) {
    const report = await runSeed(seed, onTrace);
    const again = twice ? await runSeed(seed) : report;
    if (again.hash !== report.hash) report.violations.push(`the second run's hash is ${again.hash}`);
    for (const [name, times] of report.faults) faults.set(name, (faults.get(name) ?? 0) + times);
    print(report);
    if (report.violations.length > 0) failed++;
  }
  writeTrace();
  const counted = [...faults].sort().map(([name, times]) => `${name} ${times}`);
  console.log(`faults: ${counted.join(', ')}`);
  console.log(`${count - failed} passed, ${failed} failed`);
  return failed === 0;
}

function writeTrace(): void {
  if (values.trace === undefined) return;
  createRealIo().disk.replaceFile(values.trace, Buffer.from(`${lines.join('\n')}\n`));
}

function print({ seed, hash, tookMs, acknowledged, delivered, violations }: Report): void {
  console.log(`seed ${seed} hash ${hash} ${acknowledged} acknowledged, ${delivered} delivered, ${tookMs} virtual ms`);
  for (const violation of violations) console.log(`  VIOLATION ${violation}`);
  if (violations.length > 0) console.log(`  again with: npm run sim -- --seed ${seed} --trace FILE`);
}

/**
 * `npm run sim -- --geo3`: three regions, one seed or many, or as many as a number of fail-overs takes; in worker processes,
 * and what came of them.
 */
import type { SeedReport } from '../cluster/workers.ts';
import { runSeeds, type SeedOrder } from '../cluster/workers.ts';
import { type GeoReport, runGeo } from './run-geo.ts';

export interface GeoCampaignOptions {
  readonly from: number;
  readonly count: number;
  /** Seeds are run until there were so many, whatever `count` says. */
  readonly failOvers: number | undefined;
  readonly twice: boolean;
  readonly workers: number;
  readonly print: (line: string) => void;
}

const FAIL_OVERS = 'fail-overs';
const MAX_SEEDS = 10_000;

/** Whether every seed passed. */
export async function geoCampaign({
  from,
  count,
  failOvers,
  twice,
  workers,
  print,
}: GeoCampaignOptions): Promise<boolean> {
  let failed = 0;
  let passed = 0;
  const totals = new Map<string, number>();
  const enough = (): boolean => failOvers !== undefined && (totals.get(FAIL_OVERS) ?? 0) >= failOvers;
  await runSeeds({
    ...{ suite: 'geo', from, count: failOvers === undefined ? count : MAX_SEEDS, workers, twice, isOver: enough },
    onReport: (report) => {
      if (report.violations.length > 0) failed++;
      else passed++;
      for (const counts of [report.faults, report.sightings])
        for (const [name, times] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + times);
      for (const line of geoLines(report)) print(line);
    },
  });
  print(
    [...totals]
      .sort()
      .map(([name, times]) => `${name} ${times}`)
      .join(', '),
  );
  print(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

export async function runGeoTwice({ seed, twice }: Pick<SeedOrder, 'seed' | 'twice'>): Promise<SeedReport> {
  const report = await runGeo(seed);
  const again = twice ? await runGeo(seed) : report;
  if (again.hash !== report.hash) report.violations.push(`the second run's hash is ${again.hash}`);
  return asReport(report);
}

/** As workers report: what was counted goes under `sightings`. */
export function asReport(report: GeoReport): SeedReport {
  const { seed, hash, engines, events, tookMs, acknowledged, violations, faults } = report;
  const sightings = {
    [FAIL_OVERS]: report.failOvers,
    'fail-overs after a quiet time': report.quietFailOvers,
    'gaps on record': report.gaps,
    'offsets translated': report.translated,
    [`engines ${engines}`]: 1,
  };
  return { seed, hash, events, tookMs, acknowledged, violations, faults, sightings };
}

export function geoLines({ seed, hash, acknowledged, tookMs, violations, sightings }: SeedReport): string[] {
  const moved = sightings[FAIL_OVERS] ?? 0;
  const engines = Object.keys(sightings).find((name) => name.startsWith('engines')) ?? '';
  const head = `seed ${seed} hash ${hash.slice(0, 16)} ${engines}, ${acknowledged} acknowledged, ${moved} fail-overs, ${tookMs} virtual ms`;
  if (violations.length === 0) return [head];
  return [
    head,
    ...violations.map((what) => `  VIOLATION ${what}`),
    `  again with: npm run sim -- --geo3 --seed ${seed} --trace FILE`,
  ];
}

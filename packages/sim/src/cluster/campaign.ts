/**
 * `npm run sim -- --cluster`: one seed or many, in worker processes, and what came of them: violations with how to see
 * them again, faults, and the rare situations that the campaign was in.
 */
import { CAMPAIGN } from './limits.ts';
import { type ClusterReport, runCluster } from './run-cluster.ts';
import { SIGHTINGS } from './sightings.ts';
import { runSeeds, type SeedOrder } from './workers.ts';

export interface CampaignOptions {
  readonly from: number;
  readonly count: number;
  readonly twice: boolean;
  readonly workers: number;
  /** A campaign that is long enough must have been in every rare situation. */
  readonly print: (line: string) => void;
}

/** Whether every seed passed. */
export async function clusterCampaign({ from, count, twice, workers, print }: CampaignOptions): Promise<boolean> {
  const totals = new Totals();
  await runSeeds({
    from,
    count,
    workers,
    twice,
    onReport: (report) => {
      totals.add(report);
      for (const line of reportLines(report)) print(line);
    },
  });
  for (const line of totals.lines()) print(line);
  return totals.failed === 0 && (count < CAMPAIGN.seedsToSeeAll || totals.unseen().length === 0);
}

export async function runTwice(
  { seed, twice }: Pick<SeedOrder, 'seed' | 'twice'>,
  maxFaults?: number,
): Promise<ClusterReport> {
  const report = await runCluster(seed, { maxFaults });
  if (!twice) return report;
  const again = await runCluster(seed, { maxFaults });
  if (again.hash === report.hash) return report;
  return { ...report, violations: [...report.violations, `the second run's hash is ${again.hash}`] };
}

export function reportLines({ seed, hash, events, tookMs, acknowledged, violations, faults }: ClusterReport): string[] {
  const struck = Object.values(faults).reduce((sum, times) => sum + times, 0);
  const head = `seed ${seed} hash ${hash.slice(0, 16)} ${events} events, ${struck} faults, ${acknowledged} acknowledged, ${tookMs} virtual ms`;
  if (violations.length === 0) return [head];
  return [
    head,
    ...violations.map((what) => `  VIOLATION ${what}`),
    `  again with: npm run sim -- --cluster --seed ${seed} --trace FILE`,
  ];
}

class Totals {
  passed = 0;
  failed = 0;
  #events = 0;
  #fewestEvents = Number.POSITIVE_INFINITY;
  #fewestFaults = Number.POSITIVE_INFINITY;
  readonly #faults = new Map<string, number>();
  readonly #sightings = new Map<string, number>();

  add({ violations, events, faults, sightings }: ClusterReport): void {
    if (violations.length > 0) this.failed++;
    else this.passed++;
    this.#events += events;
    for (const [name, times] of Object.entries(faults)) this.#faults.set(name, (this.#faults.get(name) ?? 0) + times);
    for (const [name, times] of Object.entries(sightings))
      this.#sightings.set(name, (this.#sightings.get(name) ?? 0) + times);
    if (violations.length > 0) return;
    this.#fewestEvents = Math.min(this.#fewestEvents, events);
    this.#fewestFaults = Math.min(
      this.#fewestFaults,
      Object.values(faults).reduce((sum, times) => sum + times, 0),
    );
  }

  unseen(): string[] {
    return SIGHTINGS.filter((name) => !this.#sightings.has(name));
  }

  lines(): string[] {
    const text = (counts: ReadonlyMap<string, number>): string =>
      [...counts]
        .sort()
        .map(([name, times]) => `${name} ${times}`)
        .join(', ');
    return [
      `faults: ${text(this.#faults)}`,
      ...SIGHTINGS.map((name) => `  ${String(this.#sightings.get(name) ?? 0).padStart(7)}  ${name}`),
      `${this.#events} events; the least of a seed: ${this.#fewestEvents} events, ${this.#fewestFaults} faults`,
      ...(this.unseen().length > 0 ? [`never seen: ${this.unseen().join('; ')}`] : []),
      `${this.passed} passed, ${this.failed} failed`,
    ];
  }
}

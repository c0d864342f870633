/** `npm run sim -- --planted`: puts each bug into the region, runs seeds until one finds it, and says which were found. */
import { runSeeds } from '../cluster/workers.ts';
import { PLANTED_BUGS } from './bugs.ts';
import type { PlantedBug } from './planted-bug.ts';

/** Those that need an unlikely moment may stay hidden, which ones changes with the seeds: so many of a suite. */
const MAX_HIDDEN: Readonly<Record<NonNullable<PlantedBug['suite']>, number>> = { cluster: 2, geo: 0 };
/** A run that breaks without a bug breaks with each of them: that finds nothing. */
const BROKEN = 'the run broke';

export interface PlantedOptions {
  readonly from: number;
  /** Seeds that a bug has to be found in. */
  readonly count: number;
  readonly workers: number;
  /** Names, or suites, with commas between them. */
  readonly only: string | undefined;
  readonly print: (line: string) => void;
}

/** Whether enough were found, or all of those that were named. As many bugs are sought at once as there are workers. */
export async function plantedCampaign({ only, print, workers, ...options }: PlantedOptions): Promise<boolean> {
  const bugs = PLANTED_BUGS.filter(
    ({ name, suite = 'cluster' }) =>
      only === undefined || only.split(',').some((wanted) => wanted === name || wanted === suite),
  );
  let found = 0;
  const left = [...bugs];
  const each = Math.max(1, Math.floor(workers / bugs.length));
  const search = async (): Promise<void> => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const finding = await seek(bug, { ...options, workers: each });
      if (finding !== undefined) found++;
      print(`${finding === undefined ? 'NOT FOUND' : 'found'}  ${bug.name}: ${finding ?? bug.what}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, bugs.length) }, search));
  print(`${found} of ${bugs.length} planted bugs found`);
  const isNamed = bugs.some(({ name }) => only?.split(',').includes(name));
  const suites = new Set(bugs.map(({ suite = 'cluster' }) => suite));
  const hidden = isNamed ? 0 : [...suites].reduce((sum, suite) => sum + MAX_HIDDEN[suite], 0);
  return bugs.length > 0 && found >= bugs.length - hidden;
}

/** The first violation, with its seed. A worker that does not even start has found nothing. */
async function seek(bug: PlantedBug, options: Omit<PlantedOptions, 'only' | 'print'>): Promise<string | undefined> {
  let finding: string | undefined;
  await runSeeds({
    ...options,
    from: Math.max(options.from, bug.firstSeed ?? 0),
    twice: false,
    plant: bug.name,
    suite: bug.suite ?? 'cluster',
    isOver: () => finding !== undefined,
    onReport: ({ seed, events, violations }) => {
      const told = violations.find((violation) => !violation.startsWith(BROKEN));
      if (events > 0 && told !== undefined) finding ??= `seed ${seed}, ${told.split('\n', 1)[0]}`;
      else if (events === 0 && violations.length > 0) throw new Error(`${bug.name}: ${violations[0]}`);
    },
  });
  return finding;
}

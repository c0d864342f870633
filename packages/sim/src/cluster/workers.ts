/**
 * Runs seeds of the region in processes of their own, two at a time, so that a campaign uses the machine; a worker is the
 * same program with `--worker`. A planted bug is put into the workers, never into this process.
 * Invariant: reports are handed on as they come; which worker ran a seed changes nothing in its report.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClusterReport } from './run-cluster.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const PLANT = new URL('../planted/plant.ts', import.meta.url).href;

/** What a worker is told and answers. */
export interface SeedOrder {
  readonly suite: Suite;
  readonly seed: number;
  readonly twice: boolean;
}

/** One region of brokers and controllers, or three regions and their mirrors. */
export type Suite = 'cluster' | 'geo';

/** What is told of a run, whatever the suite. */
export type SeedReport = Omit<ClusterReport, 'sightings'> & { readonly sightings: Readonly<Record<string, number>> };

export interface WorkersOptions {
  /** Default: `cluster`. */
  readonly suite?: Suite;
  readonly from: number;
  readonly count: number;
  readonly workers: number;
  readonly twice: boolean;
  /** Name of a planted bug. */
  readonly plant?: string | undefined;
  onReport(report: SeedReport): void;
  /** Begins no further seeds. */
  isOver?(): boolean;
}

export async function runSeeds(options: WorkersOptions): Promise<void> {
  let next = options.from;
  const end = options.from + options.count;
  const take = (): number | undefined => (next < end && !options.isOver?.() ? next++ : undefined);
  const count = Math.min(options.workers, options.count);
  await Promise.all(Array.from({ length: count }, () => work(options, take)));
}

async function work(
  { suite = 'cluster', twice, plant, onReport }: WorkersOptions,
  take: () => number | undefined,
): Promise<void> {
  let worker: ChildProcess | undefined;
  for (let seed = take(); seed !== undefined; seed = take()) {
    worker ??= begin(plant);
    const report = await ask(worker, { suite, seed, twice });
    if (typeof report !== 'object') {
      worker = undefined;
      onReport(broken(seed, report));
    } else onReport(report);
  }
  worker?.disconnect();
}

function begin(plant: string | undefined): ChildProcess {
  const execArgv = plant === undefined ? [] : ['--import', PLANT];
  const env = { ...process.env, ...(plant !== undefined && { MERIDIAN_PLANTED_BUG: plant }) };
  return fork(MAIN, ['--worker'], { execArgv, env });
}

/** The report, or how the worker ended without one. */
async function ask(worker: ChildProcess, order: SeedOrder): Promise<ClusterReport | string> {
  const abort = new AbortController();
  const { signal } = abort;
  worker.send(order);
  const answered = once(worker, 'message', { signal }).then(([report]) => report as SeedReport);
  const ended = once(worker, 'exit', { signal }).then(([code, how]) => `the worker ended: ${code ?? how}`);
  const outcome = await Promise.race([answered, ended]);
  abort.abort();
  await Promise.allSettled([answered, ended]);
  return outcome;
}

function broken(seed: number, what: string): SeedReport {
  return { seed, hash: '', events: 0, tookMs: 0, acknowledged: 0, violations: [what], faults: {}, sightings: {} };
}

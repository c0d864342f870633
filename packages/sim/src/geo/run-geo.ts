/**
 * One run of three regions: start them, let clients write in all of them and groups move between them through a storm of
 * faults, heal, wait until everything is everywhere, and hand it to the checkers. Called by `campaign.ts` and by the tests.
 * Invariant: the report depends on the seed and the options alone.
 */
import { createSimWorld, type SimWorld } from '@meridian/io/sim';
import { ERROR } from '@meridian/protocol';
import { abortedNeverRead } from './checkers/aborted-never-read.ts';
import { embeddedKeepsOffsets } from './checkers/embedded-keeps-offsets.ts';
import { everywhereOnceInOrder } from './checkers/everywhere-once-in-order.ts';
import { groupsNeverAhead } from './checkers/groups-never-ahead.ts';
import { groupsNeverRewound } from './checkers/groups-never-rewound.ts';
import { groupsNeverSkip } from './checkers/groups-never-skip.ts';
import { groupsReReadNothing } from './checkers/groups-re-read-nothing.ts';
import { latestOfEachKey } from './checkers/latest-of-each-key.ts';
import { noLoop } from './checkers/no-loop.ts';
import { noSilentGap } from './checkers/no-silent-gap.ts';
import { statusHasReason } from './checkers/status-has-reason.ts';
import { compareTranslations } from './checkers/translation-exact.ts';
import { watchCopies } from './copy-watch.ts';
import { armGeoFaults } from './faults.ts';
import type { GeoRegion } from './geo-region.ts';
import { watchGroups } from './group-watch.ts';
import { History } from './history.ts';
import { knownGaps } from './known-gaps.ts';
import { GEO } from './limits.ts';
import { keepCompacting } from './log-faults.ts';
import { Mesh } from './mesh.ts';
import { type GeoChecker, type GeoOutcome, readAllLogs } from './outcome.ts';
import { type PlanOptions, planOf, topicConfigs } from './plan.ts';
import { statusLines, watchFrozen, watchSilence, watchStatus } from './status-watch.ts';
import { runTransactions } from './transactions.ts';
import { startTraveller } from './traveller.ts';
import { runGeoWriter } from './writer.ts';

export const GEO_CHECKERS: Readonly<Record<string, GeoChecker>> = {
  abortedNeverRead,
  everywhereOnceInOrder,
  embeddedKeepsOffsets,
  groupsNeverAhead,
  groupsNeverRewound,
  groupsNeverSkip,
  groupsReReadNothing,
  latestOfEachKey,
  noLoop,
  noSilentGap,
  statusHasReason,
};

/** What has to be so before the others are worth asking: until then copies are on their way. */
const CONVERGED = [everywhereOnceInOrder, latestOfEachKey, noLoop];

export interface GeoReport {
  seed: number;
  hash: string;
  /** Initials, in the order of the regions. */
  engines: string;
  events: number;
  tookMs: number;
  acknowledged: number;
  failOvers: number;
  /** Of those, after everything was well for a while. */
  quietFailOvers: number;
  gaps: number;
  /** Offsets of which both ways were compared with what is stored. */
  translated: number;
  violations: string[];
  faults: Record<string, number>;
}

export interface GeoOptions extends PlanOptions {
  readonly onTrace?: ((line: string) => void) | undefined;
}

export async function runGeo(seed: number, { onTrace, ...options }: GeoOptions = {}): Promise<GeoReport> {
  let events = 0;
  const see = (line: string): void => {
    events++;
    onTrace?.(line);
  };
  const world = createSimWorld({ seed, onTrace: see });
  const mesh = new Mesh(world, planOf(seed, options));
  const history = new History();
  const report = { gaps: 0, translated: 0, violations: [] as string[] };
  try {
    const outcome = await storm(world, mesh, history);
    if (typeof outcome === 'string') report.violations.push(outcome);
    else {
      report.gaps = outcome.gaps.length;
      const translations = await world.settle(compareTranslations(outcome), GEO.convergeMs);
      report.translated = translations.asked;
      for (const what of translations.wrong) report.violations.push(`translationExact: ${what}`);
      for (const [name, check] of Object.entries(GEO_CHECKERS))
        for (const what of check(outcome)) report.violations.push(`${name}: ${what}`);
    }
  } catch (error) {
    report.violations.push(`the run broke: ${(error as Error).stack}`);
  }
  return {
    ...report,
    seed,
    events,
    hash: world.traceHash(),
    engines: mesh.plan.regions.map(({ engine }) => engine[0]).join(''),
    tookMs: Math.round(world.now()),
    acknowledged: history.acknowledged.length,
    failOvers: history.failOvers.length,
    quietFailOvers: history.failOvers.filter(({ wasQuiet }) => wasQuiet).length,
    faults: history.faults,
  };
}

/** What everything came to, or why it did not. */
async function storm(world: SimWorld, mesh: Mesh, history: History): Promise<GeoOutcome | string> {
  mesh.start();
  if (!(await world.runUntil(() => mesh.allRun(), GEO.startMs))) return 'not everything started';
  await world.settle(createTopics(mesh), GEO.startMs);
  watchStatus(mesh, history);
  const writers = startWriters(mesh, history);
  let isOver = false;
  const travellers = Array.from({ length: GEO.travellers }, (_, index) =>
    startTraveller(mesh, history, index, () => isOver),
  );
  watchGroups(mesh, history, travellers, () => isOver);
  watchCopies(mesh, history);
  if (mesh.plan.topics.includes('keyed')) keepCompacting(mesh, () => isOver);
  const heal = armGeoFaults(mesh, history);
  await world.runUntil(() => history.stray !== undefined, GEO.stormMs);
  if (history.stray !== undefined) return history.stray;
  heal();
  world.trace('healed');
  const written = await world.runUntil(() => writers.underWay() === 0 && mesh.allRun(), GEO.convergeMs);
  if (!written) return `${writers.underWay()} writers were not done, or not everything ran, in time`;
  await world.run(world.now() + GEO.calmMs);
  isOver = true;
  const outcome = await converged(world, mesh, history, travellers);
  for (const line of statusLines(mesh)) world.trace(line);
  if (typeof outcome === 'string') return outcome;
  await watchFrozen(mesh, history);
  await watchSilence(mesh, history);
  return outcome;
}

function startWriters(mesh: Mesh, history: History): { underWay(): number } {
  const { world } = mesh;
  let underWay = 0;
  const trace = (line: string): void => world.trace(line);
  const start = (writer: typeof runGeoWriter, region: GeoRegion, name: string): void => {
    underWay++;
    writer({ region, name, topics: mesh.plan.topics, history, trace, now: () => world.now() }).then(
      () => underWay--,
      (error: Error) => trace(`a writer broke: ${error.stack}`),
    );
  };
  for (const region of mesh.regions) {
    for (let index = 0; index < GEO.writersPerRegion; index++) start(runGeoWriter, region, `${region.name}-w${index}`);
    if (region.plan.engine === 'kafka') start(runTransactions, region, `${region.name}-t`);
  }
  return { underWay: () => underWay };
}

/** What is stored, once all of it is everywhere; after the time for that, what there is. */
async function converged(
  world: SimWorld,
  mesh: Mesh,
  history: History,
  travellers: GeoOutcome['travellers'],
): Promise<GeoOutcome | string> {
  const { io } = mesh.regions[0]!.client('timer');
  const deadline = world.now() + GEO.convergeMs;
  let trouble = '';
  for (;;) {
    const everything = Promise.all([readAllLogs(mesh, io.timers), knownGaps(mesh)]);
    const read = await world.settle(everything, GEO.convergeMs).catch((error: Error) => {
      trouble = error.message;
      return undefined;
    });
    if (read !== undefined) {
      const [logs, gaps] = read;
      const outcome = { mesh, history, travellers, ...logs, gaps };
      if (CONVERGED.every((check) => check(outcome).length === 0) || world.now() > deadline) return outcome;
    } else if (world.now() > deadline) return `what is stored cannot be read: ${trouble}`;
    await world.run(world.now() + 1_000);
  }
}

async function createTopics(mesh: Mesh): Promise<void> {
  for (const region of mesh.regions) {
    const { client } = region.client('setup');
    const topics = mesh.plan.topics.map((name) => ({
      ...{ name, numPartitions: GEO.partitions, configs: topicConfigs(region.plan, name) },
    }));
    for (const { errorCode, errorMessage } of await client.createTopics(topics))
      if (errorCode !== ERROR.NONE) throw new Error(`a topic was not created: ${errorMessage}`);
    await client.close();
  }
}

/**
 * One simulated run of a region: start it, let clients and administrators work through a storm of faults, heal, wait until
 * everything has converged, compare all that is stored, start everything once more and compare again.
 * Called by the campaign and by tests. Invariant: the report depends on the seed alone.
 */
import type { Disk } from '@meridian/io';
import { createSeededRandom, createSimWorld, type SimWorld } from '@meridian/io/sim';
import { FaultAtlas } from './atlas.ts';
import { bounded } from './checkers/bounded.ts';
import { missing } from './checkers/converged.ts';
import { groupsOwnOnce, groupsProcessAll } from './checkers/groups-own-once.ts';
import type { FaultContext } from './faults/fault.ts';
import { History } from './history.ts';
import { CLUSTER_LIMITS as LIMITS } from './limits.ts';
import { noteLog } from './log-sightings.ts';
import { GROUP, GROUP_TOPIC, planOf } from './plan.ts';
import { createRegion, type Region } from './region.ts';
import { type Sighting, Sightings } from './sightings.ts';
import { StateFiles } from './state-files.ts';
import { checkStored, storedDigest, storedReplicas } from './stored-region.ts';
import { armStorm } from './storm.ts';
import { Watch } from './watch.ts';
import { watchers } from './watchers.ts';
import { startWorkload, type Workload } from './workload/workload.ts';

export interface ClusterReport {
  readonly seed: number;
  readonly hash: string;
  readonly events: number;
  /** Virtual milliseconds until everything had converged. */
  readonly tookMs: number;
  readonly acknowledged: number;
  readonly violations: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly sightings: Readonly<Partial<Record<Sighting, number>>>;
}

export interface RunOptions {
  readonly onTrace?: ((line: string) => void) | undefined;
  /** Only so many faults of the storm. */
  readonly maxFaults?: number | undefined;
}

const LOOK_EVERY_MS = 100;
/** Of a list of what is missing, so many are told. */
const TOLD = 6;

export async function runCluster(seed: number, options: RunOptions = {}): Promise<ClusterReport> {
  const written = new StateFiles();
  const onTrace = (line: string): void => {
    options.onTrace?.(line);
    written.note(line);
  };
  const world = createSimWorld({ seed, onTrace });
  const run = new ClusterRun(world, options, written);
  await run.play().catch((error: Error) => {
    if (!(error instanceof Found)) run.fail(`the run broke: ${error.stack}`);
  });
  return run.report();
}

const METADATA_FOLDER = '/data/__cluster_metadata-0';

/** The bootstrap checkpoint, at offset 0, is none. */
function hasSnapshot(disk: Disk): boolean {
  if (!disk.exists(METADATA_FOLDER)) return false;
  return disk.list(METADATA_FOLDER).some((name) => /^0*[1-9]\d*-\d+\.checkpoint$/.test(name));
}

function fieldsText(fields: object | undefined): string {
  const entries = Object.entries(fields ?? {});
  return entries.map(([name, value]) => ` ${name}=${value instanceof Error ? value.message : String(value)}`).join('');
}

/** Ends a run early: something has been found. */
class Found extends Error {}

class ClusterRun {
  readonly #world: SimWorld;
  readonly #options: RunOptions;
  readonly #history = new History();
  readonly #sightings = new Sightings();
  readonly #violations: string[] = [];
  readonly #faults = new Map<string, number>();
  readonly #region: Region;
  readonly #watch: Watch;
  #workload: Workload | undefined;
  #deadlineMs = 0;
  readonly #written: StateFiles;

  constructor(world: SimWorld, options: RunOptions, written: StateFiles) {
    this.#written = written;
    this.#world = world;
    this.#options = options;
    const watching = watchers({
      history: this.#history,
      sightings: this.#sightings,
      fail: (what) => this.fail(what),
      sources: { commandsUnderWay: () => this.#workload?.churn.underWay ?? 0, now: () => world.now() },
    });
    this.#region = createRegion(world, planOf(world.seed), {
      logged: (slot, level, message, fields) => {
        world.trace(`${slot.plan.host} ${level}: ${message}${fieldsText(fields)}`);
        noteLog(message, fields, this.#sightings);
      },
      starting: (slot, disk) => {
        written.started(slot.plan.id, disk);
        if (hasSnapshot(disk)) this.#sightings.see('a node starts from a snapshot');
      },
      stopped: () => this.#sightings.see('a clean stop ends cleanly'),
      dying: (slot, how) => {
        written.died(slot.plan.id);
        watching.died(slot, how, this.#watch.hosted(slot));
      },
    });
    written.votes = watching.votes;
    this.#watch = new Watch(this.#region.slots, watching.all);
    this.#watch.onOpened = watching.opened;
  }

  fail(what: string): void {
    this.#world.trace(`VIOLATION ${what}`);
    if (this.#violations.length === 0) for (const line of this.#watch.lines()) this.#world.trace(`  ${line}`);
    if (this.#violations.length < LIMITS.maxViolations && !this.#violations.includes(what)) this.#violations.push(what);
  }

  report(): ClusterReport {
    const { seed } = this.#world;
    return {
      seed,
      hash: this.#world.traceHash(),
      events: this.#watch.events,
      tookMs: Math.round(this.#world.now()),
      acknowledged: this.#history.acknowledgedCount,
      violations: this.#violations,
      faults: Object.fromEntries(this.#faults),
      sightings: Object.fromEntries(this.#sightings.counts),
    };
  }

  async play(): Promise<void> {
    const { stormMs, startMs, convergeMs, restartConvergeMs } = LIMITS;
    this.#region.start();
    await this.#until('start', startMs, () => this.#starting());
    await this.#storm(stormMs);
    await this.#converge(convergeMs);
    this.#checkAll();
    const before = storedDigest(storedReplicas(this.#region, this.#watch));
    for (const slot of this.#region.slots) slot.kill();
    await this.#until('start again', restartConvergeMs, () => this.#unfinished());
    this.#checkAll();
    const after = storedDigest(storedReplicas(this.#region, this.#watch));
    if (after !== before) this.fail('after all nodes were killed at rest and started again, other batches are stored');
  }

  async #storm(stormMs: number): Promise<void> {
    this.#workload = await this.#settled(startWorkload(this.#region, this.#history), LIMITS.startMs);
    const heal = armStorm({ context: this.#context(), counts: this.#faults, maxFaults: this.#options.maxFaults });
    await this.#advance(stormMs);
    heal();
    this.#world.trace('healed');
    this.#workload.calm();
  }

  async #converge(convergeMs: number): Promise<void> {
    const settled = this.#workload?.churn.settle(this.#region.plan.topics);
    let isSettled = false;
    settled?.then(() => {
      isSettled = true;
    });
    await this.#until('converge', convergeMs, () => [
      ...(isSettled ? [] : ['administrators are not done']),
      ...this.#unfinished(),
      ...(this.#workload?.missing() ?? []),
    ]);
    this.#noteClients();
  }

  /** What only clients know. */
  #noteClients(): void {
    const { coordinatorMoves = 0, churn } = this.#workload ?? {};
    this.#sightings.note('a group moves to another coordinator', coordinatorMoves);
    this.#sightings.note('voters change', churn?.votersChanged ?? 0);
    const generations = new Set(this.#history.owned.map(({ generation }) => generation));
    this.#sightings.note('a group rebalances', generations.size - 1);
  }

  #context(): FaultContext {
    const atlas = new FaultAtlas(this.#region.brokers, () => this.#watch.nodes());
    const random = createSeededRandom(this.#world.seed, 'faults');
    const whenEpochMoves: FaultContext['whenEpochMoves'] = (run) => {
      this.#watch.epochTraps.add(run);
      return () => this.#watch.epochTraps.delete(run);
    };
    const { churn } = this.#workload!;
    return { region: this.#region, atlas, random, churn, nodes: () => this.#watch.nodes(), whenEpochMoves };
  }

  #starting(): string[] {
    return this.#region.slots
      .filter((slot) => !slot.isUp)
      .map(({ plan, lastError }) => `node ${plan.id} is not up ${lastError}`);
  }

  #unfinished(): string[] {
    const ids = this.#region.brokers.map(({ plan }) => plan.id);
    return [...this.#starting(), ...missing(this.#watch.nodes(), this.#watch.replicas(), ids)];
  }

  #checkAll(): void {
    for (const what of checkStored(storedReplicas(this.#region, this.#watch), this.#history)) this.fail(what);
    for (const what of groupsOwnOnce(this.#history)) this.fail(what);
    for (const what of groupsProcessAll(this.#history, new Map([[GROUP, GROUP_TOPIC]]))) this.fail(what);
    this.#stopIfFound();
  }

  /** Lets time run until nothing is missing; what still is at the end is a violation. */
  async #until(what: string, limitMs: number, missingNow: () => string[]): Promise<void> {
    this.#deadlineMs = this.#world.now() + limitMs;
    for (;;) {
      await this.#advance(LOOK_EVERY_MS);
      const still = missingNow();
      if (still.length === 0) return;
      if (this.#world.now() < this.#deadlineMs) continue;
      this.fail(`${what}: not within ${limitMs} ms: ${still.slice(0, TOLD).join('; ')} (${still.length})`);
      this.#stopIfFound();
    }
  }

  /** Lets time run, with a look at everything after every event. */
  async #advance(durationMs: number): Promise<void> {
    const endMs = this.#world.now() + durationMs;
    while (this.#world.now() < endMs) {
      const sliceMs = Math.min(LIMITS.boundsEveryMs, endMs - this.#world.now());
      await this.#world.runUntil(() => this.#look(), sliceMs);
      for (const { node } of this.#region.slots) for (const what of bounded(node.name, node.sockets())) this.fail(what);
      for (const complaint of this.#history.complaints.splice(0)) this.fail(complaint);
      this.#stopIfFound();
    }
  }

  #look(): boolean {
    this.#watch.look();
    this.#written.look();
    return this.#violations.length > 0;
  }

  async #settled<T>(promise: Promise<T>, limitMs: number): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    promise.then(over, over);
    await this.#until('first topics', limitMs, () => (isOver ? [] : ['not answered']));
    return promise;
  }

  #stopIfFound(): void {
    if (this.#violations.length > 0) throw new Found();
  }
}

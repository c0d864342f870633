/**
 * A simulated world: machines, links and virtual time, all from one seed. Tests make it, boot processes on its
 * machines and let time run.
 * Invariant: the same seed and the same calls give the same run, event by event; `traceHash` tells.
 */
import type { Random, Timer } from '../io.ts';
import { drive } from './drive.ts';
import { Network } from './net/network.ts';
import type { SimLink } from './net/sim-link.ts';
import { Schedule } from './schedule.ts';
import { createSeededRandom } from './seeded-random.ts';
import { SimMachine, type SimNode } from './sim-node.ts';
import { Trace } from './trace.ts';

export {
  anySectors,
  firstBytes,
  firstSectors,
  inOrder,
  type LossRule,
  reordered,
  scattered,
  type UnsyncedOperation,
} from './disk/power-loss.ts';
export type { LinkSettings, SimLink } from './net/sim-link.ts';
export { below, between, chance, createSeededRandom } from './seeded-random.ts';
export type { DiskImage, SimNode } from './sim-node.ts';

export interface SimWorld {
  readonly seed: number;
  /** The world's own stream, for fault schedules and workloads. */
  readonly random: Random;
  /** Virtual milliseconds since the world began. */
  now(): number;
  /** The machine of this name, made on first use; `host` is its address, by default its name. */
  node(name: string, options?: { host?: string }): SimNode;
  /** Lets time run to `untilMs` (virtual time, not a duration); rejects with what an event threw. */
  run(untilMs: number): Promise<void>;
  /** Lets time run until `done`, at most for `limitMs` from now; says whether it came to that. */
  runUntil(done: () => boolean, limitMs: number): Promise<boolean>;
  /** Lets time run until the promise settles, and hands on its outcome; throws after `limitMs` (a minute). */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
  /** Runs `run` once after `delayMs` of virtual time, outside of every process: for faults. */
  after(delayMs: number, run: () => void): Timer;
  /** Adds a line of the caller's to the trace. */
  trace(line: string): void;
  /** SHA-256 over all events so far. */
  traceHash(): string;
  link(a: string, b: string): SimLink;
}

export interface SimWorldOptions {
  readonly seed: number;
  /** Wall clock at virtual time 0; 2026-01-01T00:00:00Z unless told. */
  readonly epochMs?: number;
  /** Sees every line of the trace, to compare two runs. */
  readonly onTrace?: (line: string) => void;
}

const EPOCH_MS = Date.UTC(2026, 0, 1);
const SETTLE_LIMIT_MS = 60_000;

export function createSimWorld({ seed, epochMs = EPOCH_MS, onTrace }: SimWorldOptions): SimWorld {
  const schedule = new Schedule();
  const trace = new Trace(() => schedule.now(), onTrace);
  const network = new Network(schedule, createSeededRandom(seed, 'network'));
  const machines = new Map<string, SimMachine>();
  const node = (name: string, { host = name }: { host?: string } = {}): SimNode => {
    let machine = machines.get(name);
    if (machine === undefined) {
      machine = new SimMachine({ seed, schedule, trace, network, epochMs }, name, host);
      machines.set(name, machine);
    }
    return machine;
  };
  return {
    seed,
    random: createSeededRandom(seed, 'world'),
    now: () => schedule.now(),
    node,
    ...createRunner(schedule),
    after: (delayMs, run) =>
      schedule.after(delayMs, () => {
        trace.add('world after');
        run();
      }),
    trace: (line) => trace.add(line),
    traceHash: () => trace.hash(),
    link: (a, b) => network.link(a, b),
  };
}

function createRunner(schedule: Schedule): Pick<SimWorld, 'run' | 'runUntil' | 'settle'> {
  let running = false;
  const runWhile = async (step: () => boolean): Promise<void> => {
    if (running) throw new Error('the simulated world is running already');
    running = true;
    try {
      await drive(step);
    } finally {
      running = false;
    }
  };
  const run = (untilMs: number): Promise<void> => runWhile(() => schedule.runNext(untilMs));
  const runUntil = async (done: () => boolean, limitMs: number): Promise<boolean> => {
    const untilMs = schedule.now() + limitMs;
    let reached = false;
    await runWhile(() => !(reached = done()) && schedule.runNext(untilMs));
    return reached;
  };
  const settle = async <T>(promise: Promise<T>, limitMs = SETTLE_LIMIT_MS): Promise<T> => {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    if (await runUntil(() => settled, limitMs)) return promise;
    throw new Error(`not settled within ${limitMs} ms of virtual time`);
  };
  return { run, runUntil, settle };
}

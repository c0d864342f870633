/**
 * One life of a process on a simulated machine: from `boot` to `kill` or the loss of power. It owns the timers and is
 * the gate through which every callback of disk and network enters the code under test.
 * Invariant: when it has died, nothing enters any more: its timers, promises and callbacks stay silent for ever,
 * and what still calls out gets `IoError` code `closed`.
 */
import { IoError } from '../errors.ts';
import type { Random, Timer, Timers } from '../io.ts';
import { sleepOn } from '../sleep.ts';
import type { Schedule } from './schedule.ts';
import type { Trace } from './trace.ts';

/** What a process shares with its machine. */
export interface ProcessHost {
  readonly name: string;
  readonly schedule: Schedule;
  readonly trace: Trace;
  /** Nothing of this machine's processes runs before then (a long pause of garbage collection or of the host). */
  stalledUntilMs: number;
}

const DEAD_TIMER: Timer = { cancel: () => {} };
/** As Node's. */
const MIN_TIMER_MS = 1;

export class SimProcess {
  readonly host: ProcessHost;
  readonly random: Random;
  readonly timers: Timers;
  #alive = true;

  /** `clockRate`: milliseconds of its own clocks in one of the world's. */
  constructor(host: ProcessHost, random: Random, clockRate: number) {
    this.host = host;
    this.random = random;
    this.timers = {
      after: (delayMs, run) => this.schedule(Math.max(MIN_TIMER_MS, delayMs) / clockRate, 'timer', run),
      defer: (run) => void this.schedule(0, 'defer', run),
      sleep: (delayMs, signal) => sleepOn(this.timers, delayMs, signal),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  die(): void {
    this.#alive = false;
  }

  /** For calls that need a living caller. */
  assertAlive(detail: string): void {
    if (!this.#alive) throw new IoError('closed', `${this.host.name}: ${detail}`);
  }

  /** Lets `run` enter after the delay, as an event of its own. */
  schedule(delayMs: number, label: string, run: () => void): Timer {
    if (!this.#alive) return DEAD_TIMER;
    let timer = this.host.schedule.after(delayMs, () => {
      const stallMs = this.host.stalledUntilMs - this.host.schedule.now();
      if (stallMs > 0 && this.#alive) timer = this.host.schedule.after(stallMs, enter);
      else enter();
    });
    const enter = (): void => {
      if (!this.#alive) return;
      this.host.trace.add(`${this.host.name} ${label}`);
      run();
    };
    return { cancel: () => timer.cancel() };
  }

  /** A promise for an answer of disk or network; one that arrives after death stays silent, a call after it fails. */
  promise<T>(
    detail: string,
    start: (resolve: (value: T) => void, reject: (error: IoError) => void) => void,
  ): Promise<T> {
    if (!this.#alive) return Promise.reject(new IoError('closed', `${this.host.name}: ${detail}`));
    return new Promise(start);
  }
}

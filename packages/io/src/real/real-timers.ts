/**
 * Clock, timers and randomness of the real twin, straight from Node.
 * Invariant: a timer never fires early. Node counts whole milliseconds from a truncated clock and may be up to one
 * early, and code that compares a deadline with `monotonic()` would then spin or miss its turn.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Random, Timer, Timers } from '../io.ts';
import { TIMER_PIECE_MS } from '../limits.ts';
import { sleepOn } from '../sleep.ts';

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

export const realRandom: Random = {
  next: () => Math.random(),
  bytes: (size) => randomBytes(size),
};

class RealTimer implements Timer {
  readonly #dueMs: number;
  readonly #run: () => void;
  #handle: NodeJS.Timeout;

  constructor(delayMs: number, run: () => void) {
    this.#dueMs = performance.now() + delayMs;
    this.#run = run;
    this.#handle = this.#arm(delayMs);
  }

  #arm(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#expire(), Math.min(Math.ceil(delayMs), TIMER_PIECE_MS));
  }

  #expire(): void {
    const leftMs = this.#dueMs - performance.now();
    if (leftMs > 0) this.#handle = this.#arm(leftMs);
    else this.#run();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

export const realTimers: Timers = {
  after: (delayMs, run) => new RealTimer(delayMs, run),
  defer: (run) => {
    setImmediate(run);
  },
  sleep: (delayMs, signal) => sleepOn(realTimers, delayMs, signal),
};

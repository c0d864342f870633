/**
 * Clock, timers and randomness of the real twin, straight from Node.
 * Invariant: a timer never fires early. Node counts whole milliseconds from a truncated clock and may be up to one
 * early, and code that compares a deadline with `monotonic()` would then spin or miss its turn.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Random, Timer, Timers } from '../io.ts';
import { DEFER_ROUNDS, TIMER_PIECE_MS } from '../limits.ts';
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

/**
 * What is deferred in a turn runs together at its end. What that defers in turn (a write that was waited for is done, the
 * answers that say so leave) follows at once, behind the promises, a few times; then others are heard first.
 */
class TurnEnd {
  #queue: (() => void)[] = [];
  #isArmed = false;
  #rounds = 0;
  readonly #run = (): void => {
    const runs = this.#queue;
    this.#queue = [];
    let done = 0;
    try {
      while (done < runs.length) runs[done++]!();
    } finally {
      // One that throws does not take the others with it.
      if (done < runs.length) this.#queue = [...runs.slice(done), ...this.#queue];
      this.#isArmed = false;
      this.#rounds++;
      if (this.#queue.length > 0) this.#arm();
      else this.#rounds = 0;
    }
  };

  add(run: () => void): void {
    this.#queue.push(run);
    if (!this.#isArmed) this.#arm();
  }

  #arm(): void {
    this.#isArmed = true;
    if (this.#rounds > 0 && this.#rounds < DEFER_ROUNDS) return queueMicrotask(this.#run);
    this.#rounds = 0;
    setImmediate(this.#run);
  }
}

const turnEnd = new TurnEnd();

export const realTimers: Timers = {
  after: (delayMs, run) => new RealTimer(delayMs, run),
  defer: (run) => turnEnd.add(run),
  sleep: (delayMs, signal) => sleepOn(realTimers, delayMs, signal),
};

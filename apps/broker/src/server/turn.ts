/**
 * The end of a turn of the event loop: answers of all connections leave then, one write per connection. One per broker.
 * It also counts the time that requests have taken in this turn: once that is spent, requests of all connections wait for
 * the next one, so that many costly requests at once do not keep everybody else from being heard.
 * Logs write what was appended at the end of the turn too and tell their partitions afterwards; only that makes the
 * answers that say "appended", so these can leave no earlier than the turn after the write.
 */
import type { Timers } from '@meridian/io';

/** Something with work at the end of the turn; it takes care to be added only once. */
export interface TurnTask {
  endOfTurn(): void;
}

export class Turn {
  readonly #timers: Pick<Timers, 'defer'>;
  readonly #maxWorkMs: number;
  readonly #run = (): void => this.#workOff();
  #tasks: TurnTask[] = [];
  #workedMs = 0;

  constructor(timers: Pick<Timers, 'defer'>, maxWorkMs: number) {
    this.#timers = timers;
    this.#maxWorkMs = maxWorkMs;
  }

  /** A request has taken so long. */
  worked(ms: number): void {
    this.#workedMs += ms;
  }

  get isSpent(): boolean {
    return this.#workedMs >= this.#maxWorkMs;
  }

  /** What is added while tasks run (a connection's next requests) waits for the next turn. */
  add(task: TurnTask): void {
    if (this.#tasks.length === 0) this.#timers.defer(this.#run);
    this.#tasks.push(task);
  }

  #workOff(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    this.#workedMs = 0;
    for (let at = 0; at < tasks.length; at++) {
      tasks[at]!.endOfTurn();
      if (!this.isSpent || at + 1 === tasks.length) continue;
      // Those that had no turn come first in the next one, before those that have come back.
      if (this.#tasks.length === 0) this.#timers.defer(this.#run);
      this.#tasks = [...tasks.slice(at + 1), ...this.#tasks];
      return;
    }
  }
}

/**
 * The end of a turn of the event loop: answers of all connections leave then, one write per connection. One per broker.
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
  readonly #run = (): void => this.#workOff();
  #tasks: TurnTask[] = [];

  constructor(timers: Pick<Timers, 'defer'>) {
    this.#timers = timers;
  }

  /** What is added while tasks run (a connection's next requests) waits for the next turn. */
  add(task: TurnTask): void {
    if (this.#tasks.length === 0) this.#timers.defer(this.#run);
    this.#tasks.push(task);
  }

  #workOff(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task.endOfTurn();
  }
}

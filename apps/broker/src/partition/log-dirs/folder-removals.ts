/**
 * Removes the folders of deleted partitions once their delay is over, a few in each turn of the event loop. Used by
 * `partition-folders.ts`.
 * Invariant: after `stop` nothing is removed any more; what is left has a name that the next start recognises.
 */
import { type Io, IoError, type Logger, type Timer } from '@meridian/io';

export class FolderRemovals {
  readonly #io: Pick<Io, 'clock' | 'disk' | 'timers'>;
  readonly #logger: Logger;
  readonly #turnMs: number;
  readonly #timers = new Set<Timer>();
  #due: string[] = [];
  #isStopped = false;

  /** `turnMs`: so much of one turn at most, but for the folder under way. */
  constructor(io: Pick<Io, 'clock' | 'disk' | 'timers'>, logger: Logger, turnMs: number) {
    this.#io = io;
    this.#logger = logger;
    this.#turnMs = turnMs;
  }

  removeLater(folder: string, delayMs: number): void {
    const timer = this.#io.timers.after(delayMs, () => {
      this.#timers.delete(timer);
      this.#due.push(folder);
      if (this.#due.length === 1) this.#io.timers.defer(() => this.#removeSome());
    });
    this.#timers.add(timer);
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) timer.cancel();
  }

  #removeSome(): void {
    const { clock, timers } = this.#io;
    const turnEndMs = clock.monotonic() + this.#turnMs;
    let removed = 0;
    while (removed < this.#due.length && !this.#isStopped && (removed === 0 || clock.monotonic() < turnEndMs)) {
      this.#remove(this.#due[removed++]!);
    }
    this.#due = this.#isStopped ? [] : this.#due.slice(removed);
    if (this.#due.length > 0) timers.defer(() => this.#removeSome());
  }

  #remove(folder: string): void {
    try {
      this.#io.disk.removeFolder(folder);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      this.#logger.warn('a deleted partition could not be removed from disk', { folder, error });
    }
  }
}

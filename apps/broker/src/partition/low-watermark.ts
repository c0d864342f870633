/**
 * Deletions of records that wait until every replica that lives has followed: DeleteRecords is answered then, and not
 * before, so that what is deleted does not come back with another leader. Kept by the leader's partition.
 * Invariant: everybody who waits is told once.
 */
import type { Io, Timer } from '@meridian/io';
import { ERROR } from '@meridian/protocol';
import type { InSyncSet } from './in-sync-set.ts';

interface Deletion {
  readonly offset: number;
  readonly timer: Timer;
  settle(errorCode: number): void;
}

/** Where the log begins on all replicas that live. */
export function lowWatermark(logStart: number, { remotes, brokers }: InSyncSet): number {
  let least = logStart;
  for (const replica of remotes) {
    if (replica.logStart < least && brokers.eligibleEpoch(replica.id) >= 0) least = replica.logStart;
  }
  return least;
}

export class PendingDeletions {
  readonly #timers: Io['timers'];
  #waiting: Deletion[] = [];

  constructor(timers: Io['timers']) {
    this.#timers = timers;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves with an error code. */
  wait(offset: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve) => {
      const timer = this.#timers.after(timeoutMs, () => deletion.settle(ERROR.REQUEST_TIMED_OUT));
      const deletion: Deletion = {
        offset,
        timer,
        settle: (errorCode) => {
          timer.cancel();
          this.#waiting = this.#waiting.filter((each) => each !== deletion);
          resolve(errorCode);
        },
      };
      this.#waiting.push(deletion);
    });
  }

  reached(offset: number): void {
    for (const deletion of [...this.#waiting]) if (deletion.offset <= offset) deletion.settle(ERROR.NONE);
  }

  fail(errorCode: number): void {
    for (const deletion of [...this.#waiting]) deletion.settle(errorCode);
  }
}

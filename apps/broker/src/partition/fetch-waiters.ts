/**
 * The fetches that are parked on one partition: its long polls, and nobody else's, are woken when it moves.
 * Invariant: a wake touches exactly the waiters of this partition, and whoever reads the same bytes during one wake
 * (a thousand consumers at the tail) shares one read of the log.
 */
import type { ReadResult } from '@meridian/log';

/** A parked fetch. */
export interface FetchWaiter {
  /** There is more to read, or an error to be told: look again. */
  wake(): void;
}

export class FetchWaiters {
  readonly #waiters = new Set<FetchWaiter>();
  #isWaking = false;
  #offset = -1;
  #maxBytes = -1;
  #minOneBatch = false;
  #shared: ReadResult | undefined;

  get size(): number {
    return this.#waiters.size;
  }

  add(waiter: FetchWaiter): void {
    this.#waiters.add(waiter);
  }

  remove(waiter: FetchWaiter): void {
    this.#waiters.delete(waiter);
  }

  /** A waiter that is satisfied removes itself; nobody is added meanwhile. */
  wake(): void {
    if (this.#waiters.size === 0) return;
    this.#isWaking = true;
    for (const waiter of this.#waiters) waiter.wake();
    this.#isWaking = false;
    this.#shared = undefined;
  }

  /** The result of `read`, or of the same read by the waiter before. */
  share(offset: number, maxBytes: number, minOneBatch: boolean, read: () => ReadResult): ReadResult {
    if (!this.#isWaking) return read();
    const isSame = this.#offset === offset && this.#maxBytes === maxBytes && this.#minOneBatch === minOneBatch;
    if (this.#shared !== undefined && isSame) return this.#shared;
    this.#offset = offset;
    this.#maxBytes = maxBytes;
    this.#minOneBatch = minOneBatch;
    return (this.#shared = read());
  }
}

/**
 * Bytes in a second that throttled replicas may take, in one direction (KIP-73): one bucket for all of them. Asked before
 * anything is read or asked for, told afterwards, so that one answer may overdraw it and the next ones wait.
 * Invariant: over any longer time no more goes through than the rate says, and what one answer takes.
 */
import type { Io } from '@meridian/io';

export class Throttle {
  readonly #clock: Pick<Io['clock'], 'monotonic'>;
  readonly #bytesPerSecond: () => number;
  #bytes = 0;
  #filledMs: number;

  constructor(clock: Pick<Io['clock'], 'monotonic'>, bytesPerSecond: () => number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#filledMs = clock.monotonic();
    this.#bytes = bytesPerSecond();
  }

  /** Whoever may wait has to. */
  get isExceeded(): boolean {
    this.#fill();
    return this.#bytes <= 0;
  }

  note(bytes: number): void {
    this.#fill();
    this.#bytes -= bytes;
  }

  /** A second's worth at most. */
  #fill(): void {
    const nowMs = this.#clock.monotonic();
    const rate = this.#bytesPerSecond();
    this.#bytes = Math.min(rate, this.#bytes + (rate * (nowMs - this.#filledMs)) / 1_000);
    this.#filledMs = nowMs;
  }
}

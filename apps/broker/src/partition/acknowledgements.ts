/**
 * Producers that wait to hear that the log has come so far, in the order of what they wait for. A part of the leader
 * machine (`leader.ts`). Invariant: nobody is taken out twice, and those who are taken out are in order.
 */

/** Someone who waits to hear that the log has reached `end`. */
export interface Acknowledgement {
  readonly end: number;
  readonly acks: number;
  readonly deadlineMs: number;
}

export class Acknowledgements<A extends Acknowledgement> {
  #waiting: A[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** Of the earliest deadline; infinite if nobody waits. */
  get nextDeadlineMs(): number {
    return this.#waiting.reduce((least, { deadlineMs }) => Math.min(least, deadlineMs), Number.POSITIVE_INFINITY);
  }

  add(acknowledgement: A): void {
    const waiting = this.#waiting;
    let at = waiting.length;
    while (at > 0 && waiting[at - 1]!.end > acknowledgement.end) at--;
    if (at === waiting.length) waiting.push(acknowledgement);
    else waiting.splice(at, 0, acknowledgement);
  }

  /** Those who waited for `end` or less. */
  takeReached(end: number): readonly A[] {
    const waiting = this.#waiting;
    let reached = 0;
    while (reached < waiting.length && waiting[reached]!.end <= end) reached++;
    if (reached === 0) return NOBODY;
    this.#waiting = reached === waiting.length ? [] : waiting.slice(reached);
    return reached === waiting.length ? waiting : waiting.slice(0, reached);
  }

  takeExpired(nowMs: number): readonly A[] {
    const expired = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (expired.length > 0) this.#waiting = this.#waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
    return expired;
  }

  takeAll(): readonly A[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}

const NOBODY: readonly never[] = [];

/**
 * Virtual time: a heap of events by (time, order of arming). Everything that happens in a simulated world is an
 * event of its one schedule.
 * Invariant: time is a multiple of 1/1024 ms and delays are rounded up to one, so sums are exact and a timer is
 * never early; events of one instant run in the order in which they were armed.
 */
import type { Timer } from '../io.ts';
import { SIM_EVENTS_PER_INSTANT } from '../limits.ts';

const TICKS_PER_MS = 1024;
/** Below so many entries, cancelled ones are not worth sweeping out. */
const SWEEP_MIN_EVENTS = 1024;

class ScheduledEvent implements Timer {
  readonly timeMs: number;
  readonly order: number;
  run: (() => void) | undefined;
  readonly #schedule: Schedule;

  constructor(schedule: Schedule, timeMs: number, order: number, run: () => void) {
    this.#schedule = schedule;
    this.timeMs = timeMs;
    this.order = order;
    this.run = run;
  }

  cancel(): void {
    if (this.run === undefined) return;
    this.run = undefined;
    this.#schedule.noteCancelled();
  }
}

export class Schedule {
  #nowMs = 0;
  #order = 0;
  #heap: ScheduledEvent[] = [];
  #cancelled = 0;
  #inThisInstant = 0;

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const ticks = Math.max(0, Math.ceil(delayMs * TICKS_PER_MS));
    const event = new ScheduledEvent(this, this.#nowMs + ticks / TICKS_PER_MS, this.#order++, run);
    this.#heap.push(event);
    this.#siftUp(this.#heap.length - 1);
    return event;
  }

  /** Runs the next event if it is due by `untilMs`; false, with the clock at `untilMs`, if none is. */
  runNext(untilMs: number): boolean {
    const event = this.#next();
    if (event === undefined || event.timeMs > untilMs) {
      if (untilMs > this.#nowMs) this.#nowMs = untilMs;
      return false;
    }
    this.#pop();
    this.#advanceTo(event.timeMs);
    const run = event.run!;
    event.run = undefined;
    run();
    return true;
  }

  noteCancelled(): void {
    this.#cancelled++;
    if (this.#heap.length < SWEEP_MIN_EVENTS || this.#cancelled * 2 < this.#heap.length) return;
    // A sorted array is a heap.
    this.#heap = this.#heap.filter((event) => event.run !== undefined).sort(compare);
    this.#cancelled = 0;
  }

  #advanceTo(timeMs: number): void {
    this.#inThisInstant = timeMs > this.#nowMs ? 0 : this.#inThisInstant + 1;
    this.#nowMs = timeMs;
    if (this.#inThisInstant > SIM_EVENTS_PER_INSTANT) throw new Error(`virtual time stands still at ${timeMs} ms`);
  }

  #next(): ScheduledEvent | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.run === undefined) {
      this.#pop();
      this.#cancelled--;
    }
    return this.#heap[0];
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#siftDown();
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (compare(heap[parent]!, event) <= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #siftDown(): void {
    const heap = this.#heap;
    const event = heap[0]!;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && compare(heap[child + 1]!, heap[child]!) < 0) child++;
      if (compare(event, heap[child]!) <= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = event;
  }
}

function compare(a: ScheduledEvent, b: ScheduledEvent): number {
  return a.timeMs - b.timeMs || a.order - b.order;
}

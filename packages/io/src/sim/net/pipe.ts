/**
 * One direction of a simulated connection: the sender's queue, the bytes in kernels and on the wire, the receiver's
 * buffer. Two of them and two endpoints make a connection.
 * Invariants: bytes arrive in order and once, whatever the link does; a sender has at most SIM_WINDOW_BYTES that the
 * receiving program has not taken (and been acknowledged for); a buffer is copied when it leaves the queue.
 *
 *   queue ──pump──▶ wire ──arrive──▶ arrived ──take──▶ the program
 *           window       blocked: waits for `heal`      acknowledged back over the reverse route
 */
import type { Random } from '../../io.ts';
import { SIM_CHUNK_BYTES, SIM_RETRANSMIT_WAIT_MS, SIM_WINDOW_BYTES } from '../../limits.ts';
import type { Schedule } from '../schedule.ts';
import { below, between, chance } from '../seeded-random.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Route } from './route.ts';

export type PipeEnd = 'fin' | 'reset';

/** What a pipe tells the two endpoints; each may be gone. */
export interface PipeEvents {
  /** Bytes or the end have arrived. */
  onArrival(): void;
  /** A reset has arrived: what was not taken is lost. */
  onReset(): void;
  /** The queue has been emptied into the kernel. */
  onEmptied(): void;
  /** The link reset the connection. */
  onLinkReset(): void;
}

/** What a pipe has of the network. */
export interface PipeNetwork {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly waitingPipes: Set<Pipe>;
}

interface Segment {
  readonly atMs: number;
  readonly bytes: Buffer | PipeEnd;
}

export class Pipe {
  readonly route: Route;
  readonly queue = new ByteQueue();
  readonly arrived = new ByteQueue();
  finArrived = false;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #events: PipeEvents;
  readonly #reverse: Route;
  /** The network's pipes that wait for a route to open, in the order in which they began to wait. */
  readonly #waiting: Set<Pipe>;
  #wire: Segment[] = [];
  #wireArmed = false;
  #lastArrivalMs = 0;
  #unacknowledged = 0;
  #owedAcknowledgement = 0;
  #stalledSinceMs: number | undefined;
  #ending: 'none' | 'queued' | 'sent' = 'none';

  constructor(routes: { route: Route; reverse: Route }, network: PipeNetwork, events: PipeEvents) {
    this.route = routes.route;
    this.#reverse = routes.reverse;
    this.#schedule = network.schedule;
    this.#random = network.random;
    this.#waiting = network.waitingPipes;
    this.#events = events;
  }

  /** Nothing arrives before the connection is established. */
  notBefore(timeMs: number): void {
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, timeMs);
  }

  /** Bytes are on their way or waiting, or their acknowledgement is. */
  get busy(): boolean {
    return this.queue.length > 0 || this.#unacknowledged > 0 || this.#wire.length > 0;
  }

  get writable(): boolean {
    return this.#ending === 'none';
  }

  /** The end is on the wire behind everything that was queued. */
  get finished(): boolean {
    return this.#ending === 'sent';
  }

  get undelivered(): boolean {
    return this.arrived.length > 0 || this.#wire.some((segment) => typeof segment.bytes !== 'string');
  }

  write(buffers: readonly Uint8Array[]): void {
    if (this.#ending !== 'none') return;
    for (const buffer of buffers) this.queue.push(buffer);
    this.pump();
  }

  /** Everything queued, then the end. */
  finish(): void {
    if (this.#ending !== 'none') return;
    this.#ending = 'queued';
    this.pump();
  }

  /** The sender is gone: nothing more is queued, the wire carries what is on it and then `end`. */
  abandon(end: PipeEnd): void {
    this.queue.clear();
    if (this.#ending === 'sent' && end === 'fin') return;
    this.#ending = 'sent';
    this.#send(end);
  }

  /** The sender's machine lost power, and with it all that was on the way. */
  vanish(): void {
    this.queue.clear();
    this.#wire = [];
    this.#ending = 'sent';
  }

  /** What the receiving program takes at once: now and then a part that ends at an odd place. */
  take(): Buffer {
    const available = Math.min(this.arrived.length, SIM_CHUNK_BYTES);
    const chunk = this.arrived.take(chance(this.#random, 0.2) ? 1 + below(this.#random, available) : available);
    this.#acknowledge(chunk.length);
    return chunk;
  }

  /** A route has changed; only pipes among the waiting ones are told. */
  heal(): void {
    this.#waiting.delete(this);
    if (this.#owedAcknowledgement > 0 && this.#reverse.blocked()) this.#waiting.add(this);
    else if (this.#owedAcknowledgement > 0) {
      this.#unacknowledged -= this.#owedAcknowledgement;
      this.#owedAcknowledgement = 0;
      this.pump();
    }
    if (this.#stalledSinceMs === undefined) return;
    if (this.route.blocked()) return void this.#waiting.add(this);
    const outageMs = this.#schedule.now() - this.#stalledSinceMs;
    this.#stalledSinceMs = undefined;
    this.#arm(this.route.latencyMs() + between(this.#random, [0, Math.min(outageMs, SIM_RETRANSMIT_WAIT_MS)]));
  }

  pump(): void {
    while (this.queue.length > 0 && this.#unacknowledged < SIM_WINDOW_BYTES) {
      const room = Math.min(this.queue.length, SIM_WINDOW_BYTES - this.#unacknowledged, SIM_CHUNK_BYTES);
      const bytes = this.queue.take(this.#segmentBytes(room));
      this.#unacknowledged += bytes.length;
      this.#send(bytes);
      if (chance(this.#random, this.route.resetChance())) return this.#events.onLinkReset();
    }
    if (this.queue.length > 0) return;
    if (this.#ending === 'queued') {
      this.#ending = 'sent';
      this.#send('fin');
    }
    this.#events.onEmptied();
  }

  #segmentBytes(room: number): number {
    const kind = this.#random.next();
    if (kind < 0.05) return Math.min(room, 1 + below(this.#random, 8));
    return kind < 0.25 ? 1 + below(this.#random, room) : room;
  }

  #send(bytes: Buffer | PipeEnd): void {
    const atMs = Math.max(this.#lastArrivalMs, this.#schedule.now() + this.route.latencyMs());
    this.#lastArrivalMs = atMs;
    this.#wire.push({ atMs, bytes });
    if (!this.#wireArmed && this.#stalledSinceMs === undefined) this.#arm(atMs - this.#schedule.now());
  }

  #arm(delayMs: number): void {
    this.#wireArmed = true;
    this.#schedule.after(delayMs, () => {
      this.#wireArmed = false;
      this.#arrive();
    });
  }

  #arrive(): void {
    if (this.#wire.length === 0) return;
    if (this.route.blocked()) {
      this.#stalledSinceMs ??= this.#schedule.now();
      this.#waiting.add(this);
      return;
    }
    const nowMs = this.#schedule.now();
    let count = 0;
    while (count < this.#wire.length && this.#wire[count]!.atMs <= nowMs) count++;
    const due = this.#wire.splice(0, count);
    const next = this.#wire[0];
    if (next !== undefined) this.#arm(next.atMs - nowMs);
    if (due.some((segment) => segment.bytes === 'reset')) return this.#events.onReset();
    for (const { bytes } of due) {
      if (typeof bytes === 'string') this.finArrived = true;
      else this.arrived.push(bytes);
    }
    this.#events.onArrival();
  }

  #acknowledge(count: number): void {
    if (this.#reverse.blocked()) {
      this.#owedAcknowledgement += count;
      this.#waiting.add(this);
    } else {
      this.#unacknowledged -= count;
      if (this.queue.length > 0) this.pump();
    }
  }
}

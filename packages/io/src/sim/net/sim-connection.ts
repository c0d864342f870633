/**
 * One end of a simulated TCP connection: what a program holds (`Connection`) and what its kernel does for it.
 * Made in pairs by `connectPair`. Behaves as Node's socket with `allowHalfOpen: false`: the peer's end ends us too,
 * once what we had queued is out.
 * Invariant: `onClose` comes once, as an event of its own, and nothing after it; a program that died hears nothing.
 *
 *   what happened           | this end hears               | the other end hears
 *   end()                   | close, once the peer's end came | all data, then close
 *   destroy(), process died | close / nothing              | close, or a reset if something was unread here
 *   power lost              | nothing                      | nothing, until it sends or its keep-alive runs out
 *   reset by the link       | close with error             | close with error
 */
import { IoError, type IoErrorCode } from '../../errors.ts';
import type { Connection } from '../../io.ts';
import {
  CONNECTION_HIGH_WATER_BYTES,
  KEEP_ALIVE_IDLE_MS,
  KEEP_ALIVE_PROBES_MS,
  SIM_POISON,
  SIM_RETRANSMIT_LIMIT_MS,
} from '../../limits.ts';
import type { SimProcess } from '../sim-process.ts';
import { checksum } from '../trace.ts';
import type { Pipe, PipeEnd } from './pipe.ts';

const ignore = (): void => {};

export class SimConnection implements Connection {
  readonly process: SimProcess;
  readonly remoteAddress: string;
  readonly remotePort: number;
  onData: (chunk: Buffer) => void = ignore;
  onClose: (error: Error | undefined) => void = ignore;
  onDrain: () => void = ignore;
  /** Lost with its machine's power: there is nobody to say that it is gone. */
  vanished = false;
  readonly #onGone: (connection: SimConnection) => void;
  #outgoing!: Pipe;
  #incoming!: Pipe;
  #peer!: SimConnection;
  #gone = false;
  #paused = false;
  #reading = false;
  #peerEnded = false;
  #drainOwed = false;
  /** Whoever wants to know that what it wrote is in the kernel. */
  #takers: (() => void)[] = [];
  #blockedSinceMs: number | undefined;

  constructor(process: SimProcess, address: string, port: number, onGone: (connection: SimConnection) => void) {
    this.process = process;
    this.remoteAddress = address;
    this.remotePort = port;
    this.#onGone = onGone;
  }

  attach(outgoing: Pipe, incoming: Pipe, peer: SimConnection): void {
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#peer = peer;
  }

  /** The kernel hands over nothing before the connection is established. */
  notBefore(timeMs: number): void {
    this.#incoming.notBefore(timeMs);
  }

  isBetween(a: string, b: string): boolean {
    const [here, there] = [this.process.host.name, this.#peer.process.host.name];
    return (here === a && there === b) || (here === b && there === a);
  }

  write(buffers: readonly Uint8Array[], onTaken?: () => void): boolean {
    if (this.#gone || !this.process.alive || !this.#outgoing.writable) return false;
    let total = this.#outgoing.queue.length;
    for (const buffer of buffers) total += buffer.length;
    const belowMark = total < CONNECTION_HIGH_WATER_BYTES;
    if (!belowMark) this.#drainOwed = true;
    if (onTaken !== undefined) this.#takers.push(onTaken);
    this.#outgoing.write(buffers);
    return belowMark;
  }

  get bufferedBytes(): number {
    return this.#outgoing.queue.length;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#readSoon();
  }

  end(): void {
    if (!this.#gone && this.process.alive) this.#outgoing.finish();
  }

  destroy(): void {
    if (this.#gone || !this.process.alive) return;
    this.#outgoing.abandon(this.#incoming.undelivered ? 'reset' : 'fin');
    this.#close(undefined);
  }

  /** The process died: its kernel closes what it had open. */
  die(end: PipeEnd): void {
    this.#outgoing.abandon(this.#incoming.undelivered ? 'reset' : end);
    this.#close(undefined);
  }

  /** The machine lost power. */
  vanish(): void {
    this.vanished = true;
    this.#outgoing.vanish();
    this.#close(undefined);
  }

  /** The link reset the connection: both ends hear of it, this one at once. */
  breakDown(): void {
    if (this.#gone) return;
    this.#outgoing.abandon('reset');
    this.#fail('closed', 'reset');
  }

  /** Some link or machine has changed. */
  routesChanged(nowMs: number): void {
    if (this.#gone) return;
    const blocked = this.#peer.vanished || this.#outgoing.route.blocked() || this.#incoming.route.blocked();
    if (!blocked) this.#blockedSinceMs = undefined;
    else if (this.#blockedSinceMs === undefined) {
      this.#blockedSinceMs = nowMs;
      this.#probeAfter(KEEP_ALIVE_IDLE_MS + KEEP_ALIVE_PROBES_MS, nowMs);
    }
  }

  /** The kernel's keep-alive when idle, else the end of its patience with unacknowledged bytes. */
  #probeAfter(delayMs: number, blockedSinceMs: number): void {
    const { schedule } = this.process.host;
    schedule.after(delayMs, () => {
      if (this.#gone || this.#blockedSinceMs !== blockedSinceMs) return;
      const leftMs = blockedSinceMs + SIM_RETRANSMIT_LIMIT_MS - schedule.now();
      if (this.#outgoing.busy && leftMs > 0) this.#probeAfter(leftMs, blockedSinceMs);
      else this.#fail('timeout', 'keep-alive');
    });
  }

  arrival(): void {
    if (!this.#gone) return this.#readSoon();
    if (this.#incoming.arrived.length === 0) return;
    this.#incoming.arrived.clear();
    this.#outgoing.abandon('reset');
  }

  resetArrived(): void {
    if (!this.#gone) this.#fail('closed', 'reset by peer');
  }

  /** What was queued is in the kernel. */
  emptied(): void {
    if (this.#gone) return;
    if (this.#drainOwed) {
      this.#drainOwed = false;
      this.process.schedule(0, 'drain', () => {
        if (!this.#gone) this.onDrain();
      });
    }
    if (this.#takers.length > 0) {
      const takers = this.#takers;
      this.#takers = [];
      this.process.schedule(0, 'taken', () => {
        for (const onTaken of takers) onTaken();
      });
    }
    if (this.#peerEnded && this.#outgoing.finished) this.#close(undefined);
  }

  #readSoon(): void {
    if (this.#reading || this.#paused || this.#gone) return;
    if (this.#incoming.arrived.length === 0 && (!this.#incoming.finArrived || this.#peerEnded)) return;
    this.#reading = true;
    this.process.schedule(0, 'read', () => {
      this.#reading = false;
      if (!this.#paused && !this.#gone) this.#read();
    });
  }

  #read(): void {
    if (this.#incoming.arrived.length === 0) {
      this.#peerEnded = true;
      this.#outgoing.finish();
      return this.emptied();
    }
    const chunk = this.#incoming.take();
    this.process.host.trace.add(`${chunk.length} bytes ${checksum([chunk])} from ${this.#name()}`);
    this.#readSoon();
    this.onData(chunk);
    chunk.fill(SIM_POISON);
  }

  #fail(code: IoErrorCode, detail: string): void {
    this.#close(new IoError(code, `${this.#name()} ${detail}`));
  }

  #close(error: IoError | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#incoming.arrived.clear();
    this.#onGone(this);
    this.process.schedule(0, `close ${this.#name()}`, () => this.onClose(error));
  }

  #name(): string {
    return `${this.remoteAddress}:${this.remotePort}`;
  }
}

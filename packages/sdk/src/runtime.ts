/**
 * What the SDK needs of the world, handed in by `connect`: browsers and Node share one default
 * (`default-runtime.ts`), tests and the simulator bring their own.
 * Invariant: nothing else in this package touches clocks, timers, randomness or sockets.
 */
import type { Decompress } from '@meridian/protocol/record-batch';

export interface Runtime {
  /** Wall clock, milliseconds since the Unix epoch. */
  now(): number;
  /** Never in this turn; 0: once what is at hand has been worked off. */
  timer(delayMs: number, run: () => void): { cancel(): void };
  /** Uniform in [0, 1). */
  random(): number;
  /** Opens a WebSocket. `events.closed` comes exactly once, also when it could not be opened. */
  socket(url: string, subprotocol: string, events: SocketEvents): Socket;
  /** For the binary subprotocol: what it cannot do is shown as undecodable. */
  decompress?: Decompress;
}

export interface SocketEvents {
  opened(): void;
  received(data: string | Uint8Array): void;
  closed(code: number, reason: string): void;
}

export interface Socket {
  send(data: string | Uint8Array): void;
  /** Browsers take 1000 and 3000–4999 alone. */
  close(code: number, reason: string): void;
}

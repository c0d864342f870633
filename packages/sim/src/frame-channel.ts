/**
 * WebSocket's promises (whole messages, text or binary, a close with code and reason) over the simulated TCP, so that
 * the SDK and the gateway's sessions meet without a WebSocket library: u8 kind, u32 length, payload.
 * Invariant: messages arrive whole and in order, or the channel closes; `closed` comes exactly once.
 */
import type { Connection } from '@meridian/io';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const HEADER_BYTES = 5;
const ABNORMAL = 1006;

export interface ChannelEvents {
  received(data: string | Buffer): void;
  closed(code: number, reason: string): void;
}

export class FrameChannel {
  readonly #connection: Connection;
  readonly #events: ChannelEvents;
  #pending: Buffer = Buffer.alloc(0);
  #closed = false;

  constructor(connection: Connection, events: ChannelEvents) {
    this.#connection = connection;
    this.#events = events;
    connection.onData = (chunk) => this.#take(chunk);
    connection.onClose = () => this.#end(ABNORMAL, '');
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  send(data: string | Uint8Array): void {
    if (this.#closed) return;
    this.#write(typeof data === 'string' ? TEXT : BINARY, typeof data === 'string' ? Buffer.from(data) : data);
  }

  close(code: number, reason: string): void {
    if (this.#closed) return;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.#write(CLOSE, payload);
    this.#connection.end();
    this.#end(code, reason);
  }

  /** Ends it without a word, as a lost connection does. */
  destroy(): void {
    this.#connection.destroy();
  }

  onDrain(run: () => void): void {
    this.#connection.onDrain = run;
  }

  #write(kind: number, payload: Uint8Array): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = kind;
    header.writeUInt32BE(payload.length, 1);
    this.#connection.write([header, payload]);
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (!this.#closed && this.#pending.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + this.#pending.readUInt32BE(1);
      if (this.#pending.length < end) return;
      const kind = this.#pending[0];
      const payload = this.#pending.subarray(HEADER_BYTES, end);
      this.#pending = this.#pending.subarray(end);
      if (kind === CLOSE) this.#end(payload.readUInt16BE(), payload.toString('utf8', 2));
      else this.#events.received(kind === TEXT ? payload.toString() : payload);
    }
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.end();
    this.#events.closed(code, reason);
  }
}

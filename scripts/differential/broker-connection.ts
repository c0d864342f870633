/**
 * A connection to a broker that speaks our codec. Made by `side.ts`; opens when it is first
 * needed, and anew after its end.
 * Invariant: every request comes to an answer, to `CLOSED` or to `SILENT`.
 */
import { connect, type Socket } from 'node:net';
import {
  type Api,
  createFrameSplitter,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
  responseCorrelationId,
} from '@meridian/protocol';

export const CLOSED = Symbol('the broker closed the connection');
/** The connection is given up, and what comes on it later is not seen. */
export const SILENT = Symbol('the broker said nothing in time');
export type NoAnswer = typeof CLOSED | typeof SILENT;

export class BrokerConnection {
  readonly #port: number;
  readonly #name: string;
  #socket: Socket | undefined;
  /** Who waits for an answer, by correlation id. */
  readonly #waiting = new Map<number, (frame: Buffer | NoAnswer) => void>();
  #correlationId = 0;

  constructor(name: string, port: number) {
    this.#name = name;
    this.#port = port;
  }

  end(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  async request<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    limitMs: number,
  ): Promise<ResponseOf<A> | NoAnswer> {
    const socket = await this.#connected();
    const header = { correlationId: ++this.#correlationId, clientId: 'd' };
    const frame = Buffer.concat(encodeRequest(api, version, header, body));
    const answer = await this.#answerTo(socket, frame, header.correlationId, limitMs);
    if (answer === CLOSED || answer === SILENT) return answer;
    return decodeResponse(api, version, answer).body;
  }

  #answerTo(socket: Socket, frame: Buffer, id: number, limitMs: number): Promise<Buffer | NoAnswer> {
    return new Promise((done) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        done(SILENT);
        this.end();
        this.#endAll();
      }, limitMs);
      this.#waiting.set(id, (taken) => {
        clearTimeout(timer);
        done(taken);
      });
      socket.write(frame);
    });
  }

  /** Takes an answer to whoever waits for it. */
  #take(frame: Buffer): void {
    const id = responseCorrelationId(frame);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new Error(`${this.#name} answered what nobody asked: ${id}`);
    this.#waiting.delete(id);
    waiting(frame);
  }

  #endAll(): void {
    for (const waiting of this.#waiting.values()) waiting(CLOSED);
    this.#waiting.clear();
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#port, '127.0.0.1');
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
    socket.setNoDelay(true);
    const isCurrent = () => this.#socket === socket;
    const splitter = createFrameSplitter({ onFrame: (frame) => isCurrent() && this.#take(Buffer.from(frame)) });
    socket.on('data', (chunk: Buffer) => splitter.push(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      if (!isCurrent()) return;
      this.#socket = undefined;
      this.#endAll();
    });
    this.#socket = socket;
    return socket;
  }
}

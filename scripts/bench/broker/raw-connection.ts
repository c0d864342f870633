/**
 * A plain TCP connection that sends frames made beforehand and counts the answers, for as little CPU as possible: the
 * load shares the machine with what it measures. Of an answer only its first bytes are kept.
 * Invariant: answers come in the order of their requests, so the oldest time of sending belongs to the next answer.
 */
import { connect, type Socket } from 'node:net';
import { type Api, decodeResponse, encodeRequest, type RequestInput, type ResponseOf } from '@meridian/protocol';

const READ_BUFFER_BYTES = 512 * 1024;
const PREFIX_BYTES = 4;
/** A power of two: times of sending are kept in a ring. */
export const MAX_CONNECTION_IN_FLIGHT = 4_096;

/** `answerBytes` without the length prefix; `head` is overwritten by the next answer. */
export type OnAnswer = (answerBytes: number, head: Buffer, sentMs: number) => void;

export class RawConnection {
  onAnswer: OnAnswer = () => {};
  /** The stream broke; not called after `close`. */
  onBroken: (error: Error) => void = () => {};
  readonly #socket: Socket;
  readonly #head: Buffer;
  #headBytes = 0;
  #prefix = 0;
  #prefixBytes = 0;
  #left = -1;
  #length = 0;
  readonly #sentMs = new Float64Array(MAX_CONNECTION_IN_FLIGHT);
  #sent = 0;
  #answered = 0;
  #failure: Error | undefined;

  private constructor(socket: Socket, keepBytes: number) {
    this.#socket = socket;
    this.#head = Buffer.alloc(keepBytes);
  }

  static async open(
    port: number,
    { keepBytes = 128, readBufferBytes = READ_BUFFER_BYTES } = {},
  ): Promise<RawConnection> {
    let connection: RawConnection | undefined;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(readBufferBytes),
      callback: (bytes: number, chunk: Uint8Array): boolean => {
        connection?.push(chunk as Buffer, bytes);
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    connection = new RawConnection(socket, keepBytes);
    await connection.#opened();
    return connection;
  }

  get inFlight(): number {
    return this.#sent - this.#answered;
  }

  send(frame: Buffer): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#sentMs[this.#sent++ & (MAX_CONNECTION_IN_FLIGHT - 1)] = performance.now();
    this.#socket.write(frame);
  }

  /** One request and its answer, decoded; nothing else may be in flight, and the answer must fit `keepBytes`. */
  async request<A extends Api>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    const frame = frameOf(api, version, body);
    const answer = new Promise<Buffer>((done, fail) => {
      this.onBroken = fail;
      this.onAnswer = (bytes, head) =>
        bytes > this.#head.length ? fail(new Error(`${api.name}: ${bytes} bytes`)) : done(Buffer.from(head));
    });
    this.send(frame);
    return decodeResponse(api, version, await answer).body as ResponseOf<A>;
  }

  close(): void {
    this.onBroken = () => {};
    this.#socket.destroy();
  }

  #opened(): Promise<void> {
    const socket = this.#socket;
    return new Promise((done, fail) => {
      socket.once('connect', done);
      socket.once('error', (error) => {
        this.#failure = error;
        fail(error);
      });
      socket.once('close', () => {
        this.#failure ??= new Error('the broker closed the connection');
        this.onBroken(this.#failure);
      });
    });
  }

  push(chunk: Buffer, bytes: number): void {
    let at = 0;
    while (at < bytes) {
      if (this.#left < 0) {
        while (at < bytes && this.#prefixBytes < PREFIX_BYTES) {
          this.#prefix = (this.#prefix << 8) | chunk[at++]!;
          this.#prefixBytes++;
        }
        if (this.#prefixBytes < PREFIX_BYTES) return;
        this.#left = this.#length = this.#prefix;
        this.#prefix = this.#prefixBytes = this.#headBytes = 0;
      }
      const take = Math.min(this.#left, bytes - at);
      if (this.#headBytes < this.#head.length)
        this.#headBytes += chunk.copy(this.#head, this.#headBytes, at, at + take);
      at += take;
      this.#left -= take;
      if (this.#left === 0) this.#finish();
    }
  }

  #finish(): void {
    this.#left = -1;
    const sentMs = this.#sentMs[this.#answered++ & (MAX_CONNECTION_IN_FLIGHT - 1)]!;
    this.onAnswer(this.#length, this.#head.subarray(0, this.#headBytes), sentMs);
  }
}

/** A request as one buffer, to be sent again and again. */
export function frameOf<A extends Api>(api: A, version: number, body: RequestInput<A>): Buffer {
  return Buffer.concat(encodeRequest(api, version, { correlationId: 1, clientId: 'bench' }, body));
}

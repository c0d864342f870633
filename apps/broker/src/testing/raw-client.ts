/**
 * A client's connection over real TCP, as low as tests of bad input need it: one request at a time, or any bytes.
 * Invariant: nothing waits for longer than `ANSWER_LIMIT_MS`.
 */
import { connect, type Socket } from 'node:net';
import {
  type Api,
  createFrameSplitter,
  createScramClient,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
  SaslAuthenticate,
  SaslHandshake,
} from '@meridian/protocol';

const ANSWER_LIMIT_MS = 20_000;

export class RawClient {
  closed = false;
  readonly #socket: Socket;
  readonly #frames: Buffer[] = [];
  #notify: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const splitter = createFrameSplitter({ onFrame: (frame) => void this.#frames.push(frame) });
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      this.#notify();
    });
    socket.on('drain', () => this.#notify());
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#notify();
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      const client = new RawClient(socket);
      socket.once('connect', () => resolve(client));
      socket.once('error', reject);
    });
  }

  /** False while the kernel takes no more. */
  send(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** The kernel takes more, or the connection is closed. */
  drained(): Promise<void> {
    return this.#until(() => this.closed || !this.#socket.writableNeedDrain);
  }

  /** Proves the secret to the internal listener. */
  async authenticate(password: string): Promise<void> {
    const scram = createScramClient({ user: 'internal', password, nonce: 'a-nonce-of-the-client' });
    await this.request(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    const first = await this.request(SaslAuthenticate, 2, { authBytes: scram.first() });
    const last = await this.request(SaslAuthenticate, 2, { authBytes: scram.final(first.authBytes) });
    scram.verify(last.authBytes);
  }

  /** Frames that have come and were not taken. */
  get received(): number {
    return this.#frames.length;
  }

  async request<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    clientId = 'test',
  ): Promise<ResponseOf<A>> {
    this.send(Buffer.concat(encodeRequest(api, version, { correlationId: 1, clientId }, body)));
    return decodeResponse(api, version, await this.frame()).body as ResponseOf<A>;
  }

  /** The next answer; fails if the connection closes instead. */
  async frame(): Promise<Buffer> {
    await this.#until(() => this.#frames.length > 0 || this.closed);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error('closed instead of an answer');
    return frame;
  }

  /** True if it is closed without an answer. */
  async isRefused(): Promise<boolean> {
    await this.#until(() => this.#frames.length > 0 || this.closed);
    return this.#frames.length === 0;
  }

  close(): void {
    this.#socket.destroy();
  }

  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('neither answer nor close')), ANSWER_LIMIT_MS);
      const check = (): void => {
        if (!done()) return;
        clearTimeout(timer);
        this.#notify = () => {};
        resolve();
      };
      this.#notify = check;
      check();
    });
  }
}

/**
 * One of the two brokers that a script runs against: a connection that speaks our codec, and what earlier answers gave
 * that later requests need (topic ids, producer ids, member ids). Used by `run-script.ts`, read by the steps' bodies.
 * Invariant: a request is answered, or `CLOSED`: refused by the end of the connection, or by silence.
 */
import { connect, type Socket } from 'node:net';
import {
  type Api,
  ApiVersions,
  createFrameSplitter,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
  responseCorrelationId,
  ZERO_UUID,
} from '@meridian/protocol';

export const CLOSED = Symbol('the broker closed the connection, or said nothing');
/** Longer than any request is parked. Where nothing comes in time, the connection is given up. */
const ANSWER_LIMIT_MS = 8_000;

export class Side {
  readonly name: string;
  readonly versions = new Map<number, { min: number; max: number }>();
  /** Ids of the topics of the running script, by name. */
  readonly topicIds = new Map<string, string>();
  /** Producers that InitProducerId gave, in order. */
  readonly producers: { id: number; epoch: number }[] = [];
  /** Member ids by group and role, and the newest generation that the group told. */
  readonly members = new Map<string, string>();
  readonly generations = new Map<string, number>();
  /** The newest fetch session, and the epoch that it wants next. */
  session = { id: 0, epoch: 0 };
  readonly #port: number;
  #socket: Socket | undefined;
  #take: ((frame: Buffer | typeof CLOSED) => void) | undefined;
  #correlationId = 0;

  constructor(name: string, port: number) {
    this.name = name;
    this.#port = port;
  }

  topicId(name: string): string {
    return this.topicIds.get(name) ?? ZERO_UUID;
  }

  /** Forgets what the last script left, and begins with a connection of its own. */
  async begin(): Promise<void> {
    this.end();
    for (const map of [this.topicIds, this.members, this.generations]) map.clear();
    this.producers.length = 0;
    this.session = { id: 0, epoch: 0 };
    if (this.versions.size > 0) return;
    const answer = await this.request(ApiVersions, 3, {
      clientSoftwareName: 'differential',
      clientSoftwareVersion: '1',
    });
    if (answer === CLOSED) throw new Error(`${this.name} closed the connection at ApiVersions`);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.versions.set(apiKey, { min: minVersion, max: maxVersion });
    }
  }

  end(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** `NO_ANSWER` requests (acks=0) resolve when the connection has taken them. */
  async request<A extends Api>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A> | typeof CLOSED> {
    const socket = await this.#connected();
    const frame = Buffer.concat(
      encodeRequest(api, version, { correlationId: ++this.#correlationId, clientId: 'd' }, body),
    );
    const answer = await new Promise<Buffer | typeof CLOSED>((done) => {
      const timer = setTimeout(() => {
        this.end();
        this.#take = undefined;
        done(CLOSED);
      }, ANSWER_LIMIT_MS);
      this.#take = (taken) => {
        clearTimeout(timer);
        this.#take = undefined;
        done(taken);
      };
      socket.write(frame);
    });
    if (answer === CLOSED) return CLOSED;
    if (responseCorrelationId(answer) !== this.#correlationId) throw new Error(`${this.name} answered out of order`);
    return decodeResponse(api, version, answer).body;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#port, '127.0.0.1');
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
    socket.setNoDelay(true);
    const isCurrent = () => this.#socket === socket;
    const splitter = createFrameSplitter({ onFrame: (frame) => isCurrent() && this.#take?.(Buffer.from(frame)) });
    socket.on('data', (chunk: Buffer) => splitter.push(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      if (!isCurrent()) return;
      this.#socket = undefined;
      this.#take?.(CLOSED);
    });
    this.#socket = socket;
    return socket;
  }
}

/**
 * A client's connection over the simulated network, as low as tests need it: requests may be pipelined, bytes may be
 * wrong, and answers may be left unread.
 */
import type { Connection } from '@meridian/io';
import type { SimWorld } from '@meridian/io/sim';
import {
  type Api,
  createFrameSplitter,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';

const WAIT_LIMIT_MS = 60_000;

export class TestConnection {
  closed = false;
  /** Frames that have come and were not taken by anybody. */
  readonly frames: Buffer[] = [];
  readonly socket: Connection;
  readonly #world: SimWorld;
  #correlationId = 0;

  constructor(world: SimWorld, socket: Connection) {
    this.#world = world;
    this.socket = socket;
    const splitter = createFrameSplitter({ onFrame: (frame) => void this.frames.push(frame) });
    socket.onData = (chunk) => splitter.push(chunk);
    socket.onClose = () => {
      this.closed = true;
    };
  }

  /** Sends without waiting; returns the correlation id. */
  send<A extends Api>(api: A, version: number, body: RequestInput<A>): number {
    const correlationId = ++this.#correlationId;
    this.socket.write(encodeRequest(api, version, { correlationId, clientId: 'test' }, body));
    return correlationId;
  }

  sendBytes(bytes: Buffer): void {
    this.socket.write([bytes]);
  }

  /** The next answer, which must be that of `api`. */
  async receive<A extends Api>(api: A, version: number): Promise<ResponseOf<A> & { readonly correlationId: number }> {
    await this.#world.runUntil(() => this.frames.length > 0 || this.closed, WAIT_LIMIT_MS);
    const frame = this.frames.shift();
    if (frame === undefined) throw new Error(this.closed ? 'the connection is closed' : 'no answer');
    const { correlationId, body } = decodeResponse(api, version, frame);
    return { ...body, correlationId };
  }

  request<A extends Api>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOf<A>> {
    this.send(api, version, body);
    return this.receive(api, version);
  }

  /** Whether the broker closes within the time. */
  closes(withinMs = WAIT_LIMIT_MS): Promise<boolean> {
    return this.#world.runUntil(() => this.closed, withinMs);
  }
}

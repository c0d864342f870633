/**
 * One client's connection: bytes → frames → requests → answers, made by `listener.ts`.
 * Answers leave in the order of their requests, gathered per turn. Back-pressure runs both ways: above a limit of
 * requests in work or of answers that the client does not take, frames wait, and while frames wait nothing is read. When
 * the broker's memory for requests is short, a frame that has begun waits for its turn (`request-memory.ts`).
 * Invariant: what one connection can hold is bounded by `BrokerLimits`, one chunk of the socket, and one answer.
 */
import type { Connection, Logger, Memory } from '@meridian/io';
import {
  createFrameSplitter,
  decodeRequest,
  decodeRequestHeader,
  type FrameSplitter,
  Produce,
} from '@meridian/protocol';
import { type ClientSoftware, LATER, type ListenerName } from '../apis/handler.ts';
import type { BrokerLimits } from '../limits.ts';
import type { Authentication } from './authentication.ts';
import { type Dispatch, type Route, tooNewApiVersions } from './dispatch.ts';
import { PendingRequest, type RequestOwner } from './pending-request.ts';
import type { MemoryUser, RequestMemory } from './request-memory.ts';
import type { Turn, TurnTask } from './turn.ts';

export interface ConnectionOptions {
  readonly listener: ListenerName;
  readonly authentication: Authentication;
  readonly dispatch: Dispatch;
  readonly turn: Turn;
  readonly memory: RequestMemory;
  readonly limits: BrokerLimits;
  /** Where frames with records lie, and answers that carry some. */
  readonly blocks: Memory;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly onGone: (connection: BrokerConnection) => void;
  readonly brokers: BrokerConnections;
}

/** Hears which connections are other brokers'. */
export interface BrokerConnections {
  brokerConnected(brokerId: number): void;
  brokerDisconnected(brokerId: number): void;
}

type Header = ReturnType<typeof decodeRequestHeader>;

export class BrokerConnection implements RequestOwner, TurnTask, MemoryUser {
  readonly listener: ListenerName;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly authentication: Authentication;
  readonly blocks: Memory;
  clientSoftware: ClientSoftware = { name: '', version: '' };
  closed = false;
  #brokerId = -1;
  readonly #socket: Connection;
  readonly #options: ConnectionOptions;
  readonly #splitter: FrameSplitter;
  /** Frames that came while the connection was at a limit. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #paused = false;
  /** Came while memory was short; its frame waits for its turn, and nothing is read. */
  #starved: Buffer[] | undefined;
  #mayReadOn = false;
  /** What the broker's memory for requests has been told. */
  #countedBytes = 0;
  #draining = false;
  #ended = false;
  #head: PendingRequest | undefined;
  #tail: PendingRequest | undefined;
  #inFlight = 0;
  #inFlightBytes = 0;
  #out: Buffer[] = [];
  #outBytes = 0;
  /** Of those, what is held until the socket has taken it. */
  #outHeld: Buffer[] = [];
  #inTurn = false;
  #receivedMs: number;
  #frameBegunMs: number;
  #tellFromMs = 0;
  #takenBytes = 0;
  #sentBytes = 0;
  #progressMs: number;

  constructor(socket: Connection, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.listener = options.listener;
    this.authentication = options.authentication;
    this.blocks = options.blocks;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.#receivedMs = this.#frameBegunMs = this.#progressMs = options.now();
    this.#splitter = createFrameSplitter({
      maxFrameBytes: options.limits.maxFrameBytes,
      onFrame: (frame) => this.#onFrame(frame),
      // Whoever keeps records of a produce holds them; other requests may be kept without a word.
      memoryFor: (apiKey) => (apiKey === Produce.key ? options.blocks : undefined),
    });
    socket.onData = (chunk) => this.#onData(chunk);
    socket.onDrain = () => this.#pump();
    socket.onClose = () => this.#onClose();
  }

  /** Ends the connection because of what came over it; the reason goes to the log. */
  fail(reason: string, fields: Record<string, unknown> = {}): void {
    if (this.closed) return;
    this.#tell(`connection closed: ${reason}`, fields);
    this.#socket.destroy();
    this.#onClose();
  }

  refused(reason: string, fields: Record<string, unknown>): void {
    const nowMs = this.#options.now();
    if (nowMs < this.#tellFromMs) return;
    this.#tellFromMs = nowMs + this.#options.limits.refusalLogIntervalMs;
    this.#tell(`refused: ${reason}`, fields);
  }

  identify(brokerId: number): void {
    if (brokerId === this.#brokerId || this.closed) return;
    this.#forgetBroker();
    this.#brokerId = brokerId;
    this.#options.brokers.brokerConnected(brokerId);
  }

  #forgetBroker(): void {
    const brokerId = this.#brokerId;
    this.#brokerId = -1;
    if (brokerId !== -1) this.#options.brokers.brokerDisconnected(brokerId);
  }

  /** One line for the log, control characters made visible. */
  #tell(message: string, fields: Record<string, unknown>): void {
    const { remoteAddress, remotePort, listener, clientSoftware } = this;
    const client = `${clientSoftware.name} ${clientSoftware.version}`.trim();
    this.#options.log.warn(message, { listener, remoteAddress, remotePort, client, ...fields });
  }

  /** An answer is ready: whatever is now first in the queue moves on to the socket. */
  settled(): void {
    let head = this.#head;
    while (head?.frames !== undefined) {
      for (const frame of head.frames) {
        this.#out.push(frame);
        this.#outBytes += frame.length;
      }
      if (head.isHeld) for (const frame of head.frames) this.#outHeld.push(frame);
      this.#inFlight--;
      this.#inFlightBytes -= head.frameBytes;
      head = head.next;
    }
    this.#head = head;
    if (head === undefined) this.#tail = undefined;
    this.#count();
    this.#joinTurn();
  }

  endOfTurn(): void {
    this.#inTurn = false;
    if (this.closed) return;
    if (this.#mayReadOn) this.#readStarved();
    if (this.#out.length > 0) {
      this.#socket.write(this.#out, this.#outHeld.length > 0 ? this.#releaser() : undefined);
      this.#sentBytes += this.#outBytes;
      this.#out = [];
      this.#outBytes = 0;
    }
    if (this.authentication.hasFailed || (this.#draining && this.#inFlight === 0)) this.#end();
    else this.#pump();
  }

  #releaser(): () => void {
    const held = this.#outHeld;
    this.#outHeld = [];
    return () => {
      for (const frame of held) this.blocks.release(frame);
    };
  }

  /** Graceful stop: no new requests; those in work are answered (parked ones at once), then the connection ends. */
  drain(): void {
    if (this.closed || this.#draining) return;
    this.#draining = true;
    this.#dropUnread();
    // Reading goes on, into nothing: a socket that is not read never hears that its peer has closed, too.
    this.#socket.resume();
    this.#paused = false;
    this.#abandonAll();
    this.#joinTurn();
  }

  /** Called every `sweepIntervalMs`: closes what is idle, half a frame that got stuck, and a client that does not read. */
  sweep(nowMs: number): void {
    const { idleConnectionMs, stalledConnectionMs } = this.#options.limits;
    const bufferedBytes = this.#socket.bufferedBytes;
    const takenBytes = this.#sentBytes - bufferedBytes;
    if (bufferedBytes === 0 || takenBytes > this.#takenBytes) this.#progressMs = nowMs;
    this.#takenBytes = takenBytes;
    const silentMs = nowMs - this.#receivedMs;
    if (nowMs - this.#progressMs > stalledConnectionMs) this.fail('the client does not read its answers');
    else if (this.#splitter.heldBytes > 0 && !this.#paused && this.#starved === undefined) {
      const { isShort } = this.#options.memory;
      if (silentMs > stalledConnectionMs) this.fail('a request stopped in the middle');
      // It holds what others wait for.
      else if (isShort && nowMs - this.#frameBegunMs > stalledConnectionMs) this.fail('a request came too slowly');
    } else if (this.#inFlight === 0 && silentMs > (this.#ended ? stalledConnectionMs : idleConnectionMs)) {
      this.fail('idle');
    }
  }

  /** The last answer is out; the peer is expected to close, too. */
  #end(): void {
    if (!this.#ended && this.authentication.hasFailed) this.#tell('connection closed: authentication failed', {});
    this.#ended = true;
    this.#splitter.stop();
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #onData(chunk: Buffer): void {
    this.#receivedMs = this.#options.now();
    if (this.#splitter.heldBytes === 0) this.#frameBegunMs = this.#receivedMs;
    else if (!this.#options.memory.mayGrow(this)) {
      this.#starved ??= [];
      this.#starved.push(Buffer.from(chunk));
      this.#socket.pause();
      return;
    }
    this.#split(chunk);
  }

  /** Not at once: memory returns in the middle of somebody else's answer. */
  readOn(): void {
    this.#mayReadOn = true;
    this.#joinTurn();
  }

  #readStarved(): void {
    this.#mayReadOn = false;
    // Others may have taken what there was.
    if (!this.#options.memory.mayGrow(this)) return;
    const chunks = this.#starved ?? [];
    this.#starved = undefined;
    this.#receivedMs = this.#frameBegunMs = this.#options.now();
    for (const chunk of chunks) this.#split(chunk);
    if (!this.closed && !this.#paused) this.#socket.resume();
  }

  #split(chunk: Buffer): void {
    try {
      this.#splitter.push(chunk);
      if (this.#splitter.heldBytes > 0) this.#checkPending();
    } catch (error) {
      this.fail((error as Error).message);
    }
    this.#count();
  }

  /** What is too long for what it says to be is not waited for. */
  #checkPending(): void {
    const { maxFrameBytesBeforeAuthentication, maxFrameBytesWithoutRecords } = this.#options.limits;
    const { heldBytes, pendingLength } = this.#splitter;
    if (!this.authentication.isDone && heldBytes > maxFrameBytesBeforeAuthentication) {
      this.fail('a long request before authentication');
    } else if (pendingLength > maxFrameBytesWithoutRecords) {
      const head = this.#splitter.pendingBytes;
      const apiKey = head.length >= 2 ? head.readInt16BE(0) : Produce.key;
      if (apiKey !== Produce.key) this.fail('a request too long for its api', { apiKey, frameBytes: pendingLength });
    }
  }

  /** Tells the broker's memory for requests what has changed. */
  #count(): void {
    const bytes = this.closed ? 0 : this.#splitter.reservedBytes + this.#inFlightBytes + this.#waitingBytes;
    const change = bytes - this.#countedBytes;
    if (change === 0) return;
    this.#countedBytes = bytes;
    this.#options.memory.add(change);
  }

  #onFrame(frame: Buffer): void {
    this.#frameBegunMs = this.#receivedMs;
    this.#options.memory.finished(this);
    if (this.#waiting.length === 0 && this.#mayTake()) this.#take(frame);
    else {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
      if (!this.#paused) this.#socket.pause();
      this.#paused = true;
      if (this.#options.turn.isSpent) this.#joinTurn();
    }
  }

  #mayTake(): boolean {
    const limits = this.#options.limits;
    return (
      !this.#options.turn.isSpent &&
      this.#inFlight < limits.maxInFlightPerConnection &&
      this.#inFlightBytes < limits.maxInFlightBytesPerConnection &&
      this.#outBytes + this.#socket.bufferedBytes < limits.maxQueuedAnswerBytes
    );
  }

  /** Goes on with frames that waited, as far as the limits allow, and then with reading. */
  #pump(): void {
    if (!this.#paused || this.closed || this.#draining) return;
    let taken = 0;
    while (taken < this.#waiting.length && this.#mayTake()) {
      const frame = this.#waiting[taken++]!;
      this.#waitingBytes -= frame.length;
      this.#take(frame);
    }
    if (this.closed) return;
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    this.#count();
    if (this.#waiting.length > 0) {
      if (this.#options.turn.isSpent) this.#joinTurn();
      return;
    }
    this.#paused = false;
    if (this.#starved === undefined) this.#socket.resume();
  }

  #take(frame: Buffer): void {
    if (this.closed) return;
    const { now, turn } = this.#options;
    const begunMs = now();
    this.#serve(frame);
    this.blocks.release(frame);
    turn.worked(now() - begunMs);
  }

  #serve(frame: Buffer): void {
    const { dispatch, limits } = this.#options;
    if (!this.authentication.isDone && frame.length > limits.maxFrameBytesBeforeAuthentication) {
      this.fail('a long request before authentication', { frameBytes: frame.length });
      return;
    }
    let header: Header;
    let route: Route | undefined;
    let body: unknown;
    try {
      header = tooNewApiVersions(frame) ?? decodeRequestHeader(frame);
      route = dispatch.routeOf(header, this.authentication);
      body = route?.answer === undefined ? decodeRequest(route.api, header.apiVersion, frame, header.bodyOffset) : null;
    } catch (error) {
      this.fail((error as Error).message);
      return;
    }
    const pending = new PendingRequest(
      this,
      route.api,
      route.answer ? { ...header, apiVersion: 0 } : header,
      frame.length,
    );
    this.#enqueue(pending);
    if (route.answer !== undefined) pending.answer(route.answer as never);
    else this.#handle(route, body, pending);
  }

  #enqueue(pending: PendingRequest): void {
    if (this.#tail === undefined) this.#head = pending;
    else this.#tail.next = pending;
    this.#tail = pending;
    this.#inFlight++;
    this.#inFlightBytes += pending.frameBytes;
  }

  #handle(route: Route, body: unknown, pending: PendingRequest): void {
    try {
      const handled = route.handler.handle(body as never, pending as never);
      if (handled === LATER) return;
      if (handled instanceof Promise) {
        handled.then((answer) => pending.answer(answer)).catch((error) => this.#bug(route, error));
      } else pending.answer(handled as never);
    } catch (error) {
      this.#bug(route, error);
    }
  }

  /** Not the client's fault, but its answer cannot be had: it must not wait for ever. */
  #bug(route: Route, error: unknown): void {
    if (this.closed) return;
    this.#options.log.error('a request failed', { api: route.api.name, error });
    this.fail('a request failed', { api: route.api.name });
  }

  #joinTurn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    this.#options.turn.add(this);
  }

  #abandonAll(): void {
    for (let pending = this.#head; pending !== undefined; pending = pending.next) {
      const abandon = pending.onAbandon;
      pending.onAbandon = undefined;
      abandon?.();
    }
  }

  /** Gives back what unread requests hold. */
  #dropUnread(): void {
    this.#splitter.stop();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#starved = undefined;
    this.#options.memory.forget(this);
    this.#count();
  }

  #onClose(): void {
    if (this.closed) return;
    this.closed = true;
    this.#dropUnread();
    this.#out = [];
    this.#abandonAll();
    this.#head = this.#tail = undefined;
    this.#forgetBroker();
    this.#options.onGone(this);
  }
}

/**
 * One TCP connection to a broker: requests go out pipelined, answers come back in order. Opened by `openConnection`,
 * owned by a `ConnectionSlot`.
 * Invariant: every request ends exactly once; after a timeout of a request that was sent, or a byte that is not Kafka
 * protocol, the connection is gone, since nothing that follows on it could be trusted.
 */
import type { Connection, Io, Logger, Timer } from '@meridian/io';
import {
  type Api,
  ApiVersions,
  createFrameSplitter,
  decodeResponse,
  ERROR,
  encodeRequest,
  type FrameMemory,
  type FrameSplitter,
  type RequestInput,
  type ResponseOf,
  responseCorrelationId,
} from '@meridian/protocol';
import { ClientError } from '../errors.ts';
import type { ClientLimits } from '../limits.ts';
import type { Security } from '../security.ts';

export interface ConnectionContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random' | 'net'>;
  readonly clientId: string;
  readonly secret: string | undefined;
  /** Instead of `secret`. */
  readonly security?: Security | undefined;
  readonly limits: ClientLimits;
  readonly log: Logger;
}

export interface RequestOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the answer's frame may lie, if it is large: bytes of it that are kept beyond the turn must be held. */
  readonly memory?: FrameMemory | undefined;
  /** It may be one of so many unanswered ones; default `maxInFlight`. */
  readonly inFlight?: number | undefined;
}

interface Pending {
  readonly api: Api;
  readonly version: number;
  readonly body: RequestInput<Api>;
  readonly dueAt: number;
  readonly memory: FrameMemory | undefined;
  readonly inFlight: number;
  correlationId: number;
  settled: boolean;
  resolve(body: unknown): void;
  reject(error: ClientError): void;
}

export class NodeConnection {
  /** What the broker speaks and advertises; filled in by the handshake. */
  readonly versions = new Map<number, { min: number; max: number }>();
  /** Highest level of each. */
  readonly features = new Map<string, number>();
  isOpen = true;
  /** The connection has ended though nobody here closed it. */
  onLost: () => void = () => {};
  private readonly context: ConnectionContext;
  private readonly socket: Connection;
  private readonly peer: string;
  private readonly splitter: FrameSplitter;
  private readonly sent: Pending[] = [];
  private readonly waiting: Pending[] = [];
  private nextCorrelationId = 0;
  private watchdog: Timer | undefined;
  private watchdogAt = Number.POSITIVE_INFINITY;

  constructor(context: ConnectionContext, socket: Connection, peer: string) {
    this.context = context;
    this.socket = socket;
    this.peer = peer;
    this.splitter = createFrameSplitter({
      maxFrameBytes: context.limits.maxFrameBytes,
      onFrame: (frame) => this.take(frame),
      // Answers come in the order of requests.
      memoryFor: () => this.sent[0]?.memory,
    });
    socket.onData = (chunk) => this.guard(() => this.splitter.push(chunk));
    socket.onClose = (error) => this.lose(error);
    socket.onDrain = () => undefined;
  }

  /** Highest version that both sides speak, within bounds; rejects with `unsupported-version`. */
  versionFor(api: Api, atMost = api.maxVersion, atLeast = api.minVersion): number {
    const theirs = this.versions.get(api.key);
    const version = Math.min(atMost, api.maxVersion, theirs?.max ?? -1);
    if (theirs === undefined || version < Math.max(atLeast, api.minVersion, theirs.min)) {
      throw new ClientError('unsupported-version', `${api.name} at ${this.peer}`);
    }
    return version;
  }

  request<A extends Api>(
    api: A,
    version: number,
    body: RequestInput<A>,
    options: RequestOptions = {},
  ): Promise<ResponseOf<A>> {
    return new Promise((resolve, reject) => {
      const { limits, io } = this.context;
      if (!this.isOpen) return reject(new ClientError('disconnected', this.peer));
      if (this.waiting.length >= limits.maxWaiting) return reject(new ClientError('too-many-pending', this.peer));
      const dueAt = io.clock.monotonic() + (options.timeoutMs ?? limits.requestTimeoutMs);
      const pending: Pending = {
        api,
        version,
        body: body as RequestInput<Api>,
        dueAt,
        memory: options.memory,
        inFlight: options.inFlight ?? limits.maxInFlight,
        correlationId: -1,
        settled: false,
        resolve: resolve as (body: unknown) => void,
        reject,
      };
      if (options.signal !== undefined) cancelOn(options.signal, pending, this.peer);
      this.waiting.push(pending);
      this.watch(dueAt);
      this.sendWaiting();
    });
  }

  close(error: ClientError = new ClientError('closed', this.peer)): void {
    this.fail(error);
  }

  private sendWaiting(): void {
    while (this.isOpen && this.waiting.length > 0 && this.sent.length < this.waiting[0]!.inFlight) {
      const pending = this.waiting.shift()!;
      if (!pending.settled) this.guard(() => this.write(pending), pending);
    }
  }

  private write(pending: Pending): void {
    pending.correlationId = this.nextCorrelationId;
    const header = { correlationId: pending.correlationId, clientId: this.context.clientId };
    const frame = encodeRequest(pending.api, pending.version, header, pending.body);
    this.nextCorrelationId = (this.nextCorrelationId + 1) | 0;
    this.sent.push(pending);
    this.socket.write(frame);
  }

  private take(frame: Buffer): void {
    const pending = this.sent.shift();
    if (pending === undefined || responseCorrelationId(frame) !== pending.correlationId) {
      throw new ClientError('protocol', `${this.peer} answered what was not asked`);
    }
    if (!pending.settled) {
      const body = decodeAnswer(pending.api, pending.version, frame);
      pending.settled = true;
      pending.resolve(body);
    }
    pending.memory?.release(frame);
    this.sendWaiting();
  }

  /** An error of ours in one request is that request's; an error in what came in ends the connection. */
  private guard(run: () => void, pending?: Pending): void {
    try {
      run();
    } catch (error) {
      const wrapped =
        error instanceof ClientError
          ? error
          : new ClientError('protocol', `${this.peer}: ${String(error)}`, { cause: error });
      if (pending === undefined) this.fail(wrapped);
      else {
        pending.settled = true;
        pending.reject(wrapped);
      }
    }
  }

  private lose(cause: Error | undefined): void {
    if (!this.isOpen) return;
    this.fail(new ClientError('disconnected', this.peer, { cause }));
    this.onLost();
  }

  private fail(error: ClientError): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.splitter.stop();
    this.watchdog?.cancel();
    this.socket.destroy();
    for (const pending of [...this.sent.splice(0), ...this.waiting.splice(0)]) {
      if (pending.settled) continue;
      pending.settled = true;
      pending.reject(error);
    }
  }

  /** One timer for all requests, armed for the earliest. */
  private watch(dueAt: number): void {
    if (dueAt >= this.watchdogAt) return;
    this.watchdog?.cancel();
    this.watchdogAt = dueAt;
    this.watchdog = this.context.io.timers.after(dueAt - this.context.io.clock.monotonic(), () => this.onWatchdog());
  }

  private onWatchdog(): void {
    const now = this.context.io.clock.monotonic();
    this.watchdogAt = Number.POSITIVE_INFINITY;
    if (this.sent.some((pending) => pending.dueAt <= now)) {
      this.fail(new ClientError('timeout', this.peer));
      return;
    }
    for (const pending of this.waiting) {
      if (pending.dueAt > now || pending.settled) continue;
      pending.settled = true;
      pending.reject(new ClientError('timeout', this.peer));
    }
    const open = [...this.sent, ...this.waiting.filter((pending) => !pending.settled)];
    if (open.length > 0) this.watch(Math.min(...open.map((pending) => pending.dueAt)));
  }
}

/** A broker that does not know our version of ApiVersions answers in v0, with error 35. */
function decodeAnswer(api: Api, version: number, frame: Buffer): unknown {
  const isRefused =
    api.key === ApiVersions.key && frame.length >= 6 && frame.readInt16BE(4) === ERROR.UNSUPPORTED_VERSION;
  return decodeResponse(api, isRefused ? 0 : version, frame).body;
}

function cancelOn(signal: AbortSignal, pending: Pending, peer: string): void {
  const cancel = (): void => {
    if (pending.settled) return;
    pending.settled = true;
    pending.reject(new ClientError('cancelled', peer));
  };
  if (signal.aborted) return cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const { resolve, reject } = pending;
  pending.resolve = (body) => {
    signal.removeEventListener('abort', cancel);
    resolve(body);
  };
  pending.reject = (error) => {
    signal.removeEventListener('abort', cancel);
    reject(error);
  };
}

/**
 * The client: performs the effects of the session machine on a runtime and gives the application promises and
 * iterators. Made by `connect` (`sdk.ts`). Everything that decides is in `session/`; nothing here does.
 * Invariant: effects are performed in order, and an input that arises on the way waits until they are.
 */
import { packBinary } from './binary-frames.ts';
import { MeridianError } from './errors.ts';
import { BINARY_KINDS, type Coordinates, type ErrorCode, type PublishedFrame, SUBPROTOCOLS } from './frames.ts';
import { contentBytes } from './payload.ts';
import { encodeRecord, publishBatch, publishFrame } from './publish-frames.ts';
import { readFrame, utf8Bytes } from './received-frames.ts';
import type { Runtime, Socket } from './runtime.ts';
import type {
  ConnectionState,
  Effect,
  Input,
  OutgoingRecord,
  PublishToSend,
  SubscribeFrom,
  TimerName,
} from './session/inputs-effects.ts';
import { newSession, type Session, type SessionOptions, step } from './session/session.ts';
import { Subscription } from './subscription.ts';

export type Token = string | (() => Promise<string> | string);

export interface PublishOptions {
  /** Survives reconnects without doubles, as long as a gateway of the same region takes the session on. */
  idempotent?: boolean;
}

export interface Published extends Coordinates {
  /** True when an earlier try had written it already. */
  duplicate: boolean;
}

interface Waiting {
  resolve(published: Published): void;
  reject(error: Error): void;
}

export class Meridian {
  /** Every change of the connection, with why. */
  onState: ((state: ConnectionState, detail: string) => void) | undefined;
  readonly #runtime: Runtime;
  readonly #token: Token;
  readonly #session: Session;
  readonly #subprotocol: 'json' | 'bin';
  readonly #timers = new Map<TimerName, { cancel(): void }>();
  readonly #publishes = new Map<number, Waiting>();
  readonly #subscriptions = new Map<string, Subscription>();
  #socket: Socket | undefined;
  #socketNumber = 0;
  #lastPublishId = 0;
  #inputs: Input[] = [];
  #stepping = false;
  #connected: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: SessionOptions, token: Token, runtime: Runtime) {
    this.#runtime = runtime;
    this.#token = token;
    this.#subprotocol = options.subprotocol;
    this.#session = newSession(options);
  }

  get state(): ConnectionState {
    return this.#session.connection.phase;
  }

  /** The region of the gateway that is connected, or was last. */
  get region(): string | undefined {
    return this.#session.region;
  }

  /** Resolves at the first welcome. Called once, by `connect`. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connected = { resolve, reject };
      this.#input({ type: 'start' });
    });
  }

  /** Resolves with the record's coordinates once the broker has it. Strings are text, bytes are bytes, other values JSON. */
  publish(topic: string, record: OutgoingRecord, options: PublishOptions = {}): Promise<Published> {
    let toSend: OutgoingRecord;
    try {
      toSend = this.#readied(record);
    } catch (error) {
      const message = `the record cannot be encoded: ${(error as Error).message}`;
      return Promise.reject(new MeridianError('bad-request', message));
    }
    this.#lastPublishId += 2;
    const id = this.#lastPublishId;
    return new Promise((resolve, reject) => {
      this.#publishes.set(id, { resolve, reject });
      this.#input({ type: 'publish', id, topic, record: toSend, idempotent: options.idempotent ?? false });
    });
  }

  /** The partition hangs on the key's bytes, so they must be to be had before anything else is done. */
  #readied(record: OutgoingRecord): OutgoingRecord {
    if (this.#subprotocol === 'bin') return encodeRecord(record, this.#runtime.now());
    if (typeof record.key === 'object') contentBytes(record.key);
    return record;
  }

  /** One subscription per topic. It goes on over reconnects; leaving the `for await` loop ends it. */
  subscribe(topic: string, options: { from: SubscribeFrom }): Subscription {
    if (this.#subscriptions.has(topic)) throw new MeridianError('already-subscribed', topic);
    const subscription = new Subscription(topic, {
      decompress: this.#runtime.decompress,
      consumed: (messages, bytes) => this.#input({ type: 'consumed', topic, messages, bytes }),
      unsubscribe: () => {
        if (this.#subscriptions.get(topic) !== subscription) return;
        this.#subscriptions.delete(topic);
        this.#input({ type: 'unsubscribe', topic });
      },
    });
    this.#subscriptions.set(topic, subscription);
    this.#input({ type: 'subscribe', topic, from: options.from });
    return subscription;
  }

  /** Rejects what is not acknowledged, ends all iterators, closes the socket. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions.values()) subscription.end(undefined);
    this.#subscriptions.clear();
    this.#input({ type: 'close' });
  }

  #input(input: Input): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
        for (const effect of step(this.#session, next, this.#runtime.now())) this.#perform(effect);
      }
    } finally {
      this.#stepping = false;
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'open':
        return this.#open(effect.url);
      case 'close-socket':
        return this.#closeSocket(effect.code, effect.reason);
      case 'send':
        return this.#socket?.send(JSON.stringify(effect.frame));
      case 'send-publish':
        return this.#sendPublish(effect.publish);
      case 'get-token':
        return void this.#getToken();
      case 'arm':
        return this.#arm(effect.timer, effect.delayMs + this.#runtime.random() * effect.jitterMs);
      case 'disarm':
        return this.#timers.get(effect.timer)?.cancel();
      case 'published':
        return this.#settle(effect.id, (waiting) => waiting.resolve(publishedOf(effect.answer, effect.index)));
      case 'publish-failed':
        return this.#settle(effect.id, (waiting) => waiting.reject(effect.error));
      case 'deliver':
        return this.#subscriptions.get(effect.topic)?.take(effect.item);
      case 'subscription-failed':
        this.#subscriptions.get(effect.topic)?.end(effect.error);
        this.#subscriptions.delete(effect.topic);
        return;
      case 'state':
        return this.#tellState(effect.state, effect.detail);
    }
  }

  #tellState(state: ConnectionState, detail: string): void {
    if (state === 'connected') this.#connected?.resolve();
    const { failure } = this.#session.connection;
    if (failure !== undefined) this.#connected?.reject(failure);
    this.onState?.(state, detail);
  }

  #open(url: string): void {
    const number = ++this.#socketNumber;
    const isCurrent = (): boolean => number === this.#socketNumber;
    const input = (make: () => Input): void => {
      if (isCurrent()) this.#input(make());
    };
    try {
      this.#socket = this.#runtime.socket(url, SUBPROTOCOLS[this.#subprotocol], {
        opened: () => input(() => ({ type: 'opened' })),
        received: (data) => input(() => readFrame(data)),
        closed: (code, reason) => input(() => ({ type: 'socket-closed', code, reason })),
      });
    } catch (error) {
      this.#input({ type: 'socket-closed', code: 1006, reason: (error as Error).message });
    }
  }

  #closeSocket(code: number, reason: string): void {
    this.#socketNumber += 1; // what the old one still says is not heard
    this.#socket?.close(code, reason);
    this.#socket = undefined;
  }

  /** What cannot be sent is answered here, as the gateway would have. */
  #sendPublish(publish: PublishToSend): void {
    try {
      const frame = this.#publishData(publish);
      const bytes = typeof frame === 'string' ? utf8Bytes(frame) : frame.length;
      const { maxFrameBytes } = this.#session.limits ?? { maxFrameBytes: Number.POSITIVE_INFINITY };
      if (bytes <= maxFrameBytes) return this.#socket?.send(frame);
      this.#refuse(publish.id, 'too-large', `a frame of ${bytes} bytes, the gateway takes ${maxFrameBytes}`);
    } catch (error) {
      this.#refuse(publish.id, 'bad-request', `the record cannot be encoded: ${(error as Error).message}`);
    }
  }

  #publishData(publish: PublishToSend): string | Uint8Array {
    if (this.#subprotocol === 'json') return JSON.stringify(publishFrame(publish));
    const { header, batch } = publishBatch(publish);
    return packBinary(BINARY_KINDS.publish, header, [batch]);
  }

  #refuse(id: number, code: ErrorCode, message: string): void {
    this.#input({ type: 'frame', frame: { type: 'error', id, code, message, retryable: false }, bytes: 0 });
  }

  async #getToken(): Promise<void> {
    try {
      const token = typeof this.#token === 'string' ? this.#token : await this.#token();
      this.#input({ type: 'token', token });
    } catch (error) {
      this.#input({ type: 'token-failed', message: (error as Error).message });
    }
  }

  #arm(name: TimerName, delayMs: number): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(
      name,
      this.#runtime.timer(delayMs, () => this.#input({ type: 'timer', timer: name })),
    );
  }

  #settle(id: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#publishes.get(id);
    this.#publishes.delete(id);
    if (waiting) settle(waiting);
  }
}

/** The answer has the coordinates of the batch's first record; −1 stands for an offset that the broker has forgotten. */
function publishedOf({ region, topicId, partition, epoch, offset, duplicate = false }: PublishedFrame, index: number) {
  return { region, topicId, partition, epoch, offset: offset < 0 ? offset : offset + index, duplicate };
}

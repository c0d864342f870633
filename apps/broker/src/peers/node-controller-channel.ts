/**
 * `ControllerChannel` over the quorum's view of who leads.
 *
 *     nobody leads ──(back-off, or the leader is known)──▶ ask it ──answer──▶ done
 *           ▲                                                │
 *           └── NOT_CONTROLLER, no connection, disconnected, no answer, or somebody else leads by now
 *
 * Invariant: an attempt that went to a node that leads no more is given up at once, however long it might wait.
 */
import { backoffMs, ClientError, Deadline } from '@meridian/client';
import { type Io, IoError } from '@meridian/io';
import {
  AlterPartition,
  type Api,
  AssignReplicasToDirs,
  BrokerHeartbeat,
  BrokerRegistration,
  Envelope,
  ERROR,
  type RequestInput,
  type ResponseOf,
} from '@meridian/protocol';
import type { AnyHandler } from '../apis/handler.ts';
import { BrokerError } from '../errors.ts';
import type { ChannelCall, ControllerChannel } from './controller-channel.ts';
import { CHANNEL_LIMITS } from './limits.ts';
import { callLocally } from './local-call.ts';
import type { NodeAddress, Peers } from './peers.ts';

/** What the channel must know of the quorum; a `QuorumNode` is one. */
export interface LeaderSource {
  readonly self: { readonly id: number };
  leader(): { readonly id: number; readonly epoch: number };
  addressOf(nodeId: number): NodeAddress | undefined;
  leaderUnreachable(leaderId: number): void;
}

export interface ChannelOptions {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly peers: Peers;
  readonly quorum: LeaderSource;
  /** The handlers of this process, for when it is the active controller. */
  readonly handlerOf: (apiKey: number) => AnyHandler | undefined;
}

/** What may wait for long, or must not wait behind others, has a connection of its own. */
const PURPOSES: ReadonlyMap<Api, string> = new Map<Api, string>([
  [BrokerRegistration, 'lifecycle'],
  [BrokerHeartbeat, 'lifecycle'],
  [AlterPartition, 'partitions'],
  [AssignReplicasToDirs, 'partitions'],
  [Envelope, 'forwarding'],
]);

interface Ask<A extends Api> {
  readonly api: A;
  readonly body: RequestInput<A>;
  readonly isSlow: boolean;
}

const RETRIED: ReadonlySet<string> = new Set(['unreachable', 'disconnected', 'timeout', 'too-many-pending']);
/** This node has led, or still does but stops. */
const INACTIVE: ReadonlySet<string> = new Set(['not-controller', 'controller-closed']);
const RETRY = Symbol('another attempt');

export class NodeControllerChannel implements ControllerChannel {
  readonly #options: ChannelOptions;
  /** Ends with the leadership that attempts rely on. */
  #reign = new AbortController();
  #waiting = 0;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  get isLocal(): boolean {
    const { quorum } = this.#options;
    return quorum.leader().id === quorum.self.id;
  }

  /** Whoever waits asks the new one now. */
  leaderChanged(): void {
    const past = this.#reign;
    this.#reign = new AbortController();
    past.abort();
  }

  async send<A extends Api>(
    api: A,
    body: RequestInput<A>,
    { timeoutMs, signal, isSlow = false }: ChannelCall,
  ): Promise<ResponseOf<A>> {
    const { io } = this.#options;
    if (this.#waiting >= CHANNEL_LIMITS.maxWaiting) throw new ClientError('too-many-pending', 'the active controller');
    const deadline = new Deadline(
      io,
      { timeoutMs, ...(signal && { signal }) },
      timeoutMs,
      `${api.name} to the controller`,
    );
    this.#waiting++;
    try {
      for (let attempt = 1; !deadline.isOver(); attempt++) {
        const reign = this.#reign.signal;
        const answer = await this.#attempt({ api, body, isSlow }, deadline, reign);
        if (answer !== RETRY) return answer;
        if (reign.aborted) attempt = 0;
        else await this.#rest(backoffMs(io.random, CHANNEL_LIMITS, attempt), deadline, reign);
      }
      throw deadline.error();
    } finally {
      this.#waiting--;
    }
  }

  async #attempt<A extends Api>(
    ask: Ask<A>,
    deadline: Deadline,
    reign: AbortSignal,
  ): Promise<ResponseOf<A> | typeof RETRY> {
    const { quorum } = this.#options;
    const { id } = quorum.leader();
    try {
      const answer = await (id === quorum.self.id
        ? this.#askSelf(ask, deadline)
        : this.#askOther(id, ask, deadline, reign));
      return isNotController(answer) ? RETRY : answer;
    } catch (error) {
      if (error instanceof BrokerError && INACTIVE.has(error.code)) return RETRY;
      if (!(error instanceof ClientError)) throw error;
      if (error.cause instanceof IoError && error.cause.code === 'refused') quorum.leaderUnreachable(id);
      if (RETRIED.has(error.code)) return RETRY;
      if (error.code === 'cancelled' && reign.aborted && !deadline.signal?.aborted) return RETRY;
      throw error;
    }
  }

  #askSelf<A extends Api>({ api, body }: Ask<A>, deadline: Deadline): Promise<ResponseOf<A>> {
    const handler = this.#options.handlerOf(api.key);
    if (handler === undefined) throw new ClientError('unsupported-version', `${api.name} at this node`);
    return deadline.race(callLocally(handler, api, body));
  }

  async #askOther<A extends Api>(
    id: number,
    { api, body, isSlow }: Ask<A>,
    deadline: Deadline,
    reign: AbortSignal,
  ): Promise<ResponseOf<A> | typeof RETRY> {
    const { peers, quorum } = this.#options;
    const address = id < 0 ? undefined : quorum.addressOf(id);
    if (address === undefined) return RETRY;
    const timeoutMs = Math.min(
      deadline.remainingMs(),
      isSlow ? Number.POSITIVE_INFINITY : CHANNEL_LIMITS.attemptTimeoutMs,
    );
    const signal = deadline.signal === undefined ? reign : AbortSignal.any([deadline.signal, reign]);
    const purpose = `${PURPOSES.get(api) ?? 'controller'}${isSlow ? ', slow' : ''}`;
    const { body: answer } = await peers.send(address, purpose, api, body, { timeoutMs, signal });
    return answer;
  }

  /** Until the time is up, or another leads. */
  #rest(delayMs: number, deadline: Deadline, reign: AbortSignal): Promise<void> {
    const signal = deadline.signal === undefined ? reign : AbortSignal.any([deadline.signal, reign]);
    return this.#options.io.timers.sleep(Math.min(delayMs, deadline.remainingMs()), signal);
  }
}

function isNotController(answer: unknown): boolean {
  return (answer as { errorCode?: number }).errorCode === ERROR.NOT_CONTROLLER;
}

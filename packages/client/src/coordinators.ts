/**
 * Who coordinates a group or a transactional id, and questions to it: found by FindCoordinator 10, remembered, and found
 * again when it has moved. Used by group-admin.ts, transaction-fence.ts and members.
 * Invariant: a refusal that says "elsewhere" or "not yet" is retried within the call's time; every other answer is handed on.
 */
import type { Io } from '@meridian/io';
import { type Api, ERROR, errorName, FindCoordinator, type RequestInput, type ResponseOf } from '@meridian/protocol';
import { backoffMs } from './backoff.ts';
import type { Deadline } from './deadline.ts';
import { ClientError } from './errors.ts';
import type { ClientLimits } from './limits.ts';
import type { SendOptions } from './types.ts';

export interface SendContext {
  readonly io: Pick<Io, 'clock' | 'timers' | 'random'>;
  readonly limits: ClientLimits;
  send<A extends Api>(api: A, body: RequestInput<A>, to: number | 'any', options: SendOptions): Promise<ResponseOf<A>>;
}

export type CoordinatorKind = 'group' | 'transaction';

const KEY_TYPES: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 };

/** First version that takes several keys: Apache Kafka 3.0. */
const SEVERAL_KEYS = 4;

/** Somebody else coordinates now, or will. */
const MOVED: ReadonlySet<number> = new Set<number>([ERROR.NOT_COORDINATOR, ERROR.COORDINATOR_NOT_AVAILABLE]);

/** The question may be asked again, of whoever coordinates then. */
export const isPassing = (errorCode: number): boolean =>
  MOVED.has(errorCode) || errorCode === ERROR.COORDINATOR_LOAD_IN_PROGRESS;

/** The options of a single request within a call. */
export const withinCall = (deadline: Deadline, limits: Pick<ClientLimits, 'requestTimeoutMs'>): SendOptions => ({
  timeoutMs: Math.min(deadline.remainingMs(), limits.requestTimeoutMs),
  ...(deadline.signal && { signal: deadline.signal }),
});

export interface Question<A extends Api> {
  readonly api: A;
  readonly body: RequestInput<A>;
  readonly maxVersion?: number;
  /** May be carried out twice: asked again also after a connection broke. */
  readonly isHarmless: boolean;
  errorOf(answer: ResponseOf<A>): number;
}

export class Coordinators {
  private readonly context: SendContext;
  private readonly known = new Map<string, number>();

  constructor(context: SendContext) {
    this.context = context;
  }

  forget(kind: CoordinatorKind, key: string): void {
    this.known.delete(`${kind}/${key}`);
  }

  /** Node ids by key; those without a coordinator for now are not in it. Rejects with `refused` if we may not ask. */
  async find(kind: CoordinatorKind, keys: readonly string[], deadline: Deadline): Promise<Map<string, number>> {
    const missing = keys.filter((key) => !this.known.has(`${kind}/${key}`));
    if (missing.length > 0) await this.ask(kind, missing, deadline);
    const found = new Map<string, number>();
    for (const key of keys) {
      const nodeId = this.known.get(`${kind}/${key}`);
      if (nodeId !== undefined) found.set(key, nodeId);
    }
    return found;
  }

  /** One question to one coordinator, until it is answered or time is over. */
  async request<A extends Api>(
    kind: CoordinatorKind,
    key: string,
    question: Question<A>,
    deadline: Deadline,
  ): Promise<ResponseOf<A>> {
    for (let attempt = 1; ; attempt++) {
      let last: unknown;
      try {
        const nodeId = (await this.find(kind, [key], deadline)).get(key);
        if (nodeId !== undefined) {
          const options = {
            ...withinCall(deadline, this.context.limits),
            ...(question.maxVersion && { version: question.maxVersion }),
          };
          const answer = await this.context.send(question.api, question.body, nodeId, options);
          if (!isPassing(question.errorOf(answer)) || deadline.isOver()) return answer;
        }
      } catch (error) {
        last = error;
        if (!isWorthMore(error, question.isHarmless)) throw error;
      }
      this.forget(kind, key);
      if (!(await deadline.sleep(this.backoffMs(attempt)))) throw deadline.error(last);
    }
  }

  /** After so many refusals. */
  backoffMs(attempt: number): number {
    const { io, limits } = this.context;
    const capMs = Math.min(limits.coordinatorBackoffCapMs, limits.backoffCapMs);
    return backoffMs(io.random, { backoffBaseMs: limits.backoffBaseMs, backoffCapMs: capMs }, attempt);
  }

  private async ask(kind: CoordinatorKind, keys: readonly string[], deadline: Deadline): Promise<void> {
    const keyType = KEY_TYPES[kind];
    for (let from = 0; from < keys.length; from += this.context.limits.coordinatorKeys) {
      const coordinatorKeys = keys.slice(from, from + this.context.limits.coordinatorKeys);
      const options = { ...withinCall(deadline, this.context.limits), minVersion: SEVERAL_KEYS };
      const answer = await this.context.send(FindCoordinator, { keyType, coordinatorKeys }, 'any', options);
      for (const { key, nodeId, errorCode } of answer.coordinators) {
        if (errorCode === ERROR.NONE) this.known.set(`${kind}/${key}`, nodeId);
        else if (!isPassing(errorCode))
          throw new ClientError('refused', `coordinator of ${key}, ${errorName(errorCode)}`);
      }
    }
  }
}

/** Nobody has seen the question, or nobody minds if it is asked twice. */
function isWorthMore(error: unknown, isHarmless: boolean): boolean {
  const code = error instanceof ClientError ? error.code : undefined;
  return (
    code === 'unreachable' || code === 'unknown-node' || (isHarmless && (code === 'disconnected' || code === 'timeout'))
  );
}

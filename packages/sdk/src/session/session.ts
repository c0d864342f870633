/**
 * The client's session machine: `step(session, input, now)` changes the session and returns effects. It owns the
 * connection (`connection.ts`), the publishes (`publishing.ts`, `lane.ts`) and the subscriptions (`subscribing.ts`).
 *
 *   initialized --start--> connecting --welcome--> connected
 *   connecting, connected --socket closed, deadline--> waiting --timer--> connecting (the next URL, if this one failed)
 *   any --close()--> closed        any --close code 4000–4099, connect limit--> failed
 *
 * Invariant: the same inputs at the same times give the same effects; it knows no clock, socket or promise.
 */
import type { Limits } from '../frames.ts';
import { type Connection, newConnection, stepConnection } from './connection.ts';
import type { Effect, Input } from './inputs-effects.ts';
import { newPublishing, type Publishing } from './publish-state.ts';
import { stepPublishing } from './publishing.ts';
import { newSubscribing, type Subscribing, stepSubscribing } from './subscribing.ts';

export interface SessionOptions {
  urls: readonly string[];
  /** False: the token is a constant, which cannot be refreshed. */
  tokenIsRefreshed: boolean;
  subprotocol: 'json' | 'bin';
  client: string;
  connectTimeoutMs: number;
  publishTimeoutMs: number;
}

export interface Session {
  readonly options: SessionOptions;
  readonly connection: Connection;
  readonly publishing: Publishing;
  readonly subscribing: Subscribing;
  /** Of the gateway that is connected, or was last. */
  region: string | undefined;
  /** Set from the first `welcome` on. */
  limits: Limits | undefined;
  /** Ids of describe, subscribe, unsubscribe and ping are odd; the shell gives publishes even ones. */
  lastRequestId: number;
}

export function newSession(options: SessionOptions): Session {
  return {
    options,
    connection: newConnection(),
    publishing: newPublishing(),
    subscribing: newSubscribing(),
    region: undefined,
    limits: undefined,
    lastRequestId: -1,
  };
}

export function step(session: Session, input: Input, now: number): Effect[] {
  const effects: Effect[] = [];
  stepConnection(session, input, now, effects);
  stepPublishing(session, input, now, effects);
  stepSubscribing(session, input, effects);
  return effects;
}

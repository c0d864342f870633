/**
 * A session: who is connected, what it may do, what it has under way. A pure machine; `session-shell.ts` performs what
 * it returns. Delivery of records is the subscriptions' (`delivery/subscription.ts`).
 *
 *     connecting ── connect/handshake token ──▶ verifying ── verified ──▶ open ── drain, expiry, refusal … ──▶ closed
 *                                                   ▲                      │
 *                                                   └── open stays open ───┘ connect again (refresh)
 *
 * Invariant: nothing but `connect` and `ping` is answered before a token was verified; every request is checked against
 * the permissions of the token that holds at that moment; a socket outlives its token by no more than one tick.
 */
import { CLOSE_CODES, type ErrorFrame, type ServerFrame } from '@meridian/sdk/frames';
import { isAllowed, type Principal } from '@meridian/tenancy';
import { GatewayError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { PublishRequest } from '../publish/publish-request.ts';
import type { ClientRequest, FrameProblem, SubscribeRequest } from './client-frames.ts';
import { welcomeLimits } from './welcome-limits.ts';

export type Input =
  | ClientRequest
  | FrameProblem
  | { type: 'verified'; principal: Principal; session: string | undefined; isResumed: boolean }
  | { type: 'refused'; error: GatewayError }
  /** A publish was answered; `sizeInBytes` as it was asked. */
  | { type: 'publish-done'; sizeInBytes: number }
  /** A describe or subscribe was answered. */
  | { type: 'request-done' }
  | { type: 'subscribe-failed'; topic: string }
  | { type: 'heard' }
  | { type: 'tick' };

export type Effect =
  | { do: 'send'; frame: ServerFrame }
  | { do: 'close'; code: number; reason: string }
  | { do: 'verify'; token: string; session: string | undefined }
  | { do: 'ping' }
  | { do: 'describe'; id: number; topic: string }
  | { do: 'publish'; id: number; request: PublishRequest }
  | { do: 'subscribe'; subscribe: SubscribeRequest }
  | { do: 'unsubscribe'; topic: string }
  | { do: 'credit'; topic: string; messages: number; bytes: number }
  | { do: 'cursor'; id: number; topic: string };

export interface SessionState {
  readonly region: string;
  phase: 'connecting' | 'verifying' | 'open' | 'closed';
  isRefreshing: boolean;
  principal: Principal | undefined;
  readonly startedAtMs: number;
  heardAtMs: number;
  pingedAtMs: number;
  readonly topics: Set<string>;
  pendingRequests: number;
  pendingPublishes: number;
  pendingPublishBytes: number;
}

export function newSession(region: string, nowMs: number): SessionState {
  return {
    region,
    phase: 'connecting',
    isRefreshing: false,
    principal: undefined,
    startedAtMs: nowMs,
    heardAtMs: nowMs,
    pingedAtMs: nowMs,
    topics: new Set(),
    pendingRequests: 0,
    pendingPublishes: 0,
    pendingPublishBytes: 0,
  };
}

const NOTHING: readonly Effect[] = Object.freeze([]);

export function step(state: SessionState, input: Input, nowMs: number): readonly Effect[] {
  if (state.phase === 'closed') return NOTHING;
  switch (input.type) {
    case 'tick':
      return onTick(state, nowMs);
    case 'heard':
      state.heardAtMs = nowMs;
      return NOTHING;
    case 'verified':
      return onVerified(state, input, nowMs);
    case 'refused':
      return onRefused(state, input.error);
    case 'publish-done':
      state.pendingPublishes--;
      state.pendingPublishBytes -= input.sizeInBytes;
      return NOTHING;
    case 'request-done':
      state.pendingRequests--;
      return NOTHING;
    case 'subscribe-failed':
      state.topics.delete(input.topic);
      return NOTHING;
    default:
      state.heardAtMs = nowMs;
      return onRequest(state, input);
  }
}

function onRequest(state: SessionState, input: ClientRequest | FrameProblem): readonly Effect[] {
  if (input.type === 'connect') return onConnect(state, input.token, input.session);
  if (input.type === 'ping') return [{ do: 'send', frame: { type: 'pong', id: input.id } }];
  if (state.principal === undefined) {
    return close(state, CLOSE_CODES.badRequest, 'the first frame must be connect');
  }
  switch (input.type) {
    case 'problem':
      return [refusal(input.id, input.error)];
    case 'publish':
      return onPublish(state, state.principal, input.id, input.request);
    case 'subscribe':
      return onSubscribe(state, state.principal, input.subscribe);
    case 'describe':
      return onDescribe(state, state.principal, input.id, input.topic);
    case 'unsubscribe':
      if (!state.topics.delete(input.topic)) return [notSubscribed(input.id, input.topic)];
      return [
        { do: 'unsubscribe', topic: input.topic },
        { do: 'send', frame: { type: 'unsubscribed', id: input.id, topic: input.topic } },
      ];
    case 'credit':
      if (!state.topics.has(input.topic)) return [notSubscribed(undefined, input.topic)];
      return [{ do: 'credit', topic: input.topic, messages: input.messages, bytes: input.bytes }];
    case 'cursor':
      if (!state.topics.has(input.topic)) return [notSubscribed(input.id, input.topic)];
      return [{ do: 'cursor', id: input.id, topic: input.topic }];
  }
}

function onConnect(state: SessionState, token: string | undefined, session: string | undefined): readonly Effect[] {
  if (state.phase === 'verifying' || state.isRefreshing) return [refusal(undefined, busy('connect is under way'))];
  if (token === undefined) return close(state, CLOSE_CODES.invalidToken, 'no token');
  if (state.phase === 'connecting') state.phase = 'verifying';
  else state.isRefreshing = true;
  return [{ do: 'verify', token, session }];
}

function onVerified(
  state: SessionState,
  input: Extract<Input, { type: 'verified' }>,
  nowMs: number,
): readonly Effect[] {
  const { principal } = input;
  const known = state.principal;
  if (known !== undefined && (known.tenant !== principal.tenant || known.subject !== principal.subject)) {
    return close(state, CLOSE_CODES.forbidden, 'a refreshed token must be of the same tenant and subject');
  }
  state.phase = 'open';
  state.isRefreshing = false;
  state.principal = principal;
  state.heardAtMs = nowMs;
  const effects: Effect[] = [
    {
      do: 'send',
      frame: {
        type: 'welcome',
        region: state.region,
        tenant: principal.tenant,
        subject: principal.subject,
        ...(input.isResumed && input.session !== undefined ? { session: input.session } : {}),
        expiresAt: principal.expiresAtMs,
        limits: welcomeLimits,
      },
    },
  ];
  // A refreshed token may allow less: what it no longer allows ends here.
  for (const topic of [...state.topics]) {
    if (isAllowed(principal.permissions, 'read', topic)) continue;
    state.topics.delete(topic);
    effects.push({ do: 'unsubscribe', topic }, refusal(undefined, forbidden('read', topic)));
  }
  return effects;
}

function onRefused(state: SessionState, error: GatewayError): readonly Effect[] {
  const refused = error.isExpired ? CLOSE_CODES.tokenExpired : CLOSE_CODES.invalidToken;
  const code = error.retryable ? CLOSE_CODES.overloaded : refused;
  return [refusal(undefined, error), ...close(state, code, error.code)];
}

function onPublish(state: SessionState, principal: Principal, id: number, request: PublishRequest): readonly Effect[] {
  if (!isAllowed(principal.permissions, 'write', request.topic))
    return [refusal(id, forbidden('write', request.topic))];
  const bytes = state.pendingPublishBytes + request.sizeInBytes;
  if (state.pendingPublishes >= LIMITS.maxInFlightPublishes || bytes > LIMITS.maxInFlightPublishBytes) {
    return [refusal(id, busy('too many publishes are not answered yet'))];
  }
  state.pendingPublishes++;
  state.pendingPublishBytes = bytes;
  return [{ do: 'publish', id, request }];
}

function onSubscribe(state: SessionState, principal: Principal, subscribe: SubscribeRequest): readonly Effect[] {
  const { id, topic } = subscribe;
  if (!isAllowed(principal.permissions, 'read', topic)) return [refusal(id, forbidden('read', topic))];
  if (state.topics.has(topic)) return [refusal(id, new GatewayError('already-subscribed', topic))];
  if (state.topics.size >= LIMITS.maxSubscriptions) {
    const message = `at most ${LIMITS.maxSubscriptions} per connection: unsubscribe from one first`;
    return [refusal(id, new GatewayError('too-many-subscriptions', message))];
  }
  if (state.pendingRequests >= LIMITS.maxPendingRequests) return [refusal(id, busy('too many requests at once'))];
  state.pendingRequests++;
  state.topics.add(topic);
  return [{ do: 'subscribe', subscribe }];
}

function onDescribe(state: SessionState, principal: Principal, id: number, topic: string): readonly Effect[] {
  const { permissions } = principal;
  if (!isAllowed(permissions, 'read', topic) && !isAllowed(permissions, 'write', topic)) {
    return [refusal(id, forbidden('read', topic))];
  }
  if (state.pendingRequests >= LIMITS.maxPendingRequests) return [refusal(id, busy('too many requests at once'))];
  state.pendingRequests++;
  return [{ do: 'describe', id, topic }];
}

function onTick(state: SessionState, nowMs: number): readonly Effect[] {
  const { principal } = state;
  if (principal === undefined) {
    if (nowMs - state.startedAtMs < LIMITS.handshakeTimeoutMs) return NOTHING;
    return close(state, CLOSE_CODES.handshakeTimeout, 'no valid connect in time');
  }
  if (nowMs >= principal.expiresAtMs) return close(state, CLOSE_CODES.tokenExpired, 'the token has expired');
  const silentMs = nowMs - state.heardAtMs;
  if (silentMs < LIMITS.pingEveryMs) return NOTHING;
  if (silentMs >= LIMITS.idleTimeoutMs) return close(state, CLOSE_CODES.noPong, 'nothing was heard');
  if (nowMs - state.pingedAtMs < LIMITS.pingEveryMs) return NOTHING;
  state.pingedAtMs = nowMs;
  return [{ do: 'ping' }];
}

function close(state: SessionState, code: number, reason: string): readonly Effect[] {
  state.phase = 'closed';
  return [{ do: 'close', code, reason }];
}

function refusal(id: number | undefined, error: GatewayError): Effect {
  return { do: 'send', frame: errorFrame(id, error) };
}

export function errorFrame(id: number | undefined, error: GatewayError): ErrorFrame {
  const { code, message, retryable } = error;
  const retryAfterMs = retryable ? { retryAfterMs: LIMITS.retryAfterMs } : {};
  return { type: 'error', ...(id === undefined ? {} : { id }), code, message, retryable, ...retryAfterMs };
}

const busy = (message: string): GatewayError => new GatewayError('limit-exceeded', message);
const forbidden = (action: string, topic: string): GatewayError =>
  new GatewayError('forbidden', `the token does not allow to ${action} ${topic}`);
const notSubscribed = (id: number | undefined, topic: string): Effect =>
  refusal(id, new GatewayError('not-subscribed', topic));
